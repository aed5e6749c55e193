import { problems } from '@slipway/problem'
import { findRoute, routeTable } from '@slipway/service'
import { describe, expect, it, test } from 'vitest'
import { services } from '../services.ts'
import { nginxProblems, nginxRoutes } from './nginx.ts'

const routes = nginxRoutes(services)

/** What the map gives for a path: nginx takes the first expression that fits. */
function upstreamOf(path: string): string {
  const lines = [...routes.matchAll(/^ {4}"~(\S+)" ([\w-]+);$/gm)]
  return lines.find(([, pattern = '']) => new RegExp(pattern).test(path))?.[2] ?? ''
}

describe('the route table of nginx', () => {
  it('agrees with the one table for every prefix, and for what is below it', () => {
    const table = routeTable(services)
    expect(table.length).toBeGreaterThan(10)
    for (const { prefix, service } of table) {
      expect(upstreamOf(prefix)).toBe(service)
      expect(upstreamOf(`${prefix}/x/y`)).toBe(service)
      expect(upstreamOf(`${prefix}x`)).toBe(findRoute(table, `${prefix}x`)?.service ?? '')
    }
  })

  test.each([
    '/',
    '/internal/v1/jwks',
    '/internal/v1/operators',
    '/api/v1',
    '/api/v1/none',
    '/api/v2/files',
    '/xapi/v1/files',
    '/dev/mail',
    '/health/ready',
  ])('has nobody for %s', (path) => {
    expect(upstreamOf(path)).toBe('')
  })

  test.each(['/docs', '/docs/standalone.js', '/problems', '/problems/route.not-found'])('asks the first service for %s', (path) => {
    expect(upstreamOf(path)).toBe('identity')
  })

  it('takes a dot for a dot', () => {
    expect(upstreamOf('/.well-known/jwks.json')).toBe('identity')
    expect(upstreamOf('/.well-known/jwksXjson')).toBe('')
  })

  it('looks the host of every API up again, at a name that the environment completes', () => {
    const servers = [...routes.matchAll(/^ {4}server (\S+) resolve max_fails=0;$/gm)].map((match) => match[1])
    expect(servers).toEqual(
      services.map(({ name }) => `\${EDGE_UPSTREAM_PREFIX}${name}-api\${EDGE_UPSTREAM_SUFFIX}:\${EDGE_UPSTREAM_PORT}`),
    )
  })

  it('names only upstreams that there are', () => {
    const defined = [...routes.matchAll(/^upstream ([\w-]+) \{$/gm)].map((match) => match[1])
    const used = new Set([...routes.matchAll(/^ {4}"~\S+" ([\w-]+);$/gm)].map((match) => match[1]))
    expect(defined).toEqual(services.map(({ name }) => name))
    for (const name of used) expect(defined).toContain(name)
  })
})

describe('what nginx answers by itself', () => {
  const bodies = [...nginxProblems().matchAll(/return (\d+) '(.*)';/g)].map(([, status, body = '']) => ({
    status: Number(status),
    body: JSON.parse(body) as Record<string, unknown>,
  }))

  it('is a problem of the one table, with its status', () => {
    expect(bodies.length).toBeGreaterThan(5)
    for (const { status, body } of bodies) {
      const { title, status: own } = problems[body['code'] as keyof typeof problems]
      expect(body).toEqual({ type: `/problems/${body['code'] as string}`, title, status: own, code: body['code'] })
      expect(status).toBe(own)
    }
  })

  it('has no quote or variable in its text, which nginx would take for its own', () => {
    for (const { body } of bodies) expect(JSON.stringify(body)).not.toMatch(/['$\\]/)
  })

  it('covers every failure that nginx has for a dead upstream, and says when to come back', () => {
    const gone = /error_page ([\d ]+) =503 (\S+);\nlocation = (\S+) \{([^}]*)/.exec(nginxProblems())
    expect(gone?.[1]?.split(' ')).toEqual(['502', '503', '504'])
    expect(gone?.[3]).toBe(gone?.[2])
    expect(gone?.[4]).toContain('add_header Retry-After "2" always;')
    expect(gone?.[4]).toContain('internal;')
  })
})
