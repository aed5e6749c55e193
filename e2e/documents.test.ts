import { describe, expect, test } from 'vitest'
import { call, expectProblem, expectStatus } from './client.ts'

interface Operation {
  operationId: string
  summary: string
  security?: unknown[]
  responses: Record<string, { content?: Record<string, unknown> }>
}

interface OpenApi {
  openapi: string
  info: { title: string; version: string }
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, unknown> }
}

const document = (service: string) => expectStatus<OpenApi>(call('GET', `/api/v1/${service}/openapi.json`, { as: null }), 200)

/** Every `$ref` of a document. */
function references(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(references)
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) => (key === '$ref' && typeof value === 'string' ? [value] : references(value)))
}

function resolves(root: unknown, reference: string): boolean {
  const steps = reference.replace(/^#\//, '').split('/')
  const found = steps.reduce<unknown>(
    (node, step) => (node as Record<string, unknown> | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')],
    root,
  )
  return reference.startsWith('#/') && found !== undefined
}

describe.each(['identity', 'files'])('the OpenAPI document of %s', (service) => {
  test('is of version 3.1, and everything in it can be found', async () => {
    const api = await document(service)
    expect(api.openapi).toMatch(/^3\.1\./)
    expect(api.info.title).not.toBe('')
    expect(references(api).filter((reference) => !resolves(api, reference))).toEqual([])
  })

  test('describes every operation once, with its failures as problems', async () => {
    const { paths } = await document(service)
    const operations = Object.values(paths).flatMap((path) => Object.values(path))
    const ids = operations.map((operation) => operation.operationId)
    expect(ids.length).toBeGreaterThan(10)
    expect(new Set(ids).size).toBe(ids.length)
    const failures = operations.flatMap((operation) => Object.entries(operation.responses).filter(([status]) => Number(status) >= 400))
    expect(failures.every(([, response]) => response.content?.['application/problem+json'] !== undefined)).toBe(true)
  })

  test('tells no internal route', async () => {
    const { paths } = await document(service)
    expect(Object.keys(paths).filter((path) => path.startsWith('/internal'))).toEqual([])
  })
})

test('the document of files has the routes that people call first', async () => {
  const { paths } = await document('files')
  expect(paths['/api/v1/files']).toMatchObject({ get: expect.anything(), post: expect.anything() })
  expect(paths['/api/v1/files/{id}/content']).toHaveProperty('get')
})

test('/docs shows them all, from its own files only', async () => {
  const page = await call('GET', '/docs', { as: null })
  const html = await page.text()
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(html).not.toMatch(/(src|href)="https?:/)
  const scripts = [...html.matchAll(/src="([^"]+)"/g)].map((match) => match[1] ?? '')
  expect(scripts.length).toBeGreaterThan(0)
  for (const script of scripts) expect((await call('GET', script, { as: null })).status).toBe(200)
})

test('the type of a problem leads to its explanation', async () => {
  const problem = await expectProblem(call('GET', '/api/v1/files', { as: null }), 401)
  const answer = await call('GET', problem.type, { as: null })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain(problem.code)
})

test('a failure can be found again by its trace', async () => {
  const problem = await expectProblem(call('GET', '/api/v1/files?colour=red'), 400)
  expect(problem.traceId).toMatch(/^[0-9a-f]{32}$/)
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const traced = await expectProblem(call('GET', '/api/v1/files?colour=red', { headers: { traceparent: parent } }), 400)
  expect(traced.traceId).toMatch(/^[0-9a-f]{32}$/)
})

describe('health', () => {
  test('says that signatures are for tests only, if they are', async ({ skip }) => {
    const answer = await call('GET', '/health/ready', { as: null })
    skip(answer.status === 404, 'the edge of this installation does not route health')
    const body = await expectStatus<{ status: string; checks: Record<string, { status: string }> }>(answer, 200)
    expect(body.status).toBe(body.checks['signatures']?.status === 'degraded' ? 'degraded' : 'ok')
  })
})

test('limits of rates are told with every answer that counts', async () => {
  const answer = await call('POST', '/api/v1/auth/sign-in', { as: null, json: { email: 'nobody@example.com', password: 'x' } })
  expect(answer.headers.get('ratelimit') ?? answer.headers.get('ratelimit-limit')).not.toBeNull()
})

test('security headers are there', async () => {
  const { headers } = await call('GET', '/api/v1/files')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('x-powered-by')).toBeNull()
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
})
