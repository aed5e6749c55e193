import { reply, routesFor } from '@slipway/http'
import { defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AnyManifest, checkManifests, defineService, ManifestError } from './manifest.ts'
import { findRoute, routeTable } from './route-table.ts'

const route = routesFor<object>()

function get(path: `/${string}`, operation: string, internal = false) {
  const contract = { method: 'GET', path, operation, summary: operation, auth: internal ? 'service' : 'none', internal } as const
  return route({ ...contract, responses: { 204: { description: 'done' } } }, async () => reply(204))
}

function queue(name: string) {
  return defineQueue({
    name,
    payload: z.object({ version: z.literal(1) }),
    attempts: 1,
    backoff: exponential(seconds(1)),
    timeout: minutes(1),
    concurrency: 1,
    rate: null,
    keep: { completed: hours(1), failed: hours(1) },
    deadLetter: false,
    processor: async () => ({ process: async () => undefined }),
  })
}

function service(changes: Partial<AnyManifest> & { name: string }): AnyManifest {
  return defineService({
    title: changes.name,
    description: 'a service',
    config: {},
    migrations: new URL('./migrations/', import.meta.url),
    buckets: [],
    routes: [],
    queues: [],
    schedules: [],
    context: () => ({}),
    ...changes,
  })
}

function faultsOf(check: () => unknown): readonly string[] {
  try {
    check()
  } catch (error) {
    if (error instanceof ManifestError) return error.faults
    throw error
  }
  return []
}

describe('checkManifests', () => {
  it('accepts services that fit together', () => {
    const purge = queue('file-purge')
    const files = service({
      name: 'files',
      buckets: ['files'],
      routes: [get('/api/v1/files', 'files.list'), get('/internal/v1/files/{id}', 'files.peek', true)],
      queues: [purge],
      schedules: [{ id: 'purge-daily', queue: purge, pattern: '0 3 * * *', payload: { version: 1 } }],
    })
    const identity = service({ name: 'identity', routes: [get('/.well-known/jwks.json', 'identity.keys')] })
    expect(faultsOf(() => checkManifests([files, identity]))).toEqual([])
  })

  it('finds what two services both claim', () => {
    const one = { buckets: ['same'], queues: [queue('same')], routes: [get('/api/v1/same/{id}', 'same.get')] }
    const other = { ...one, routes: [get('/api/v1/same/{name}', 'same.get')] }
    expect(faultsOf(() => checkManifests([service({ name: 'a', ...one }), service({ name: 'b', ...other })]))).toEqual([
      'queue "same" is declared twice',
      'bucket "same" is declared twice',
      'operation "same.get" is declared twice',
      'route "GET /api/v1/same/{}" is declared twice',
    ])
    expect(faultsOf(() => checkManifests([service({ name: 'a' }), service({ name: 'a' })]))).toEqual(['service "a" is declared twice'])
  })

  it('finds what a service claims that the platform adds to it', () => {
    const routes = [get('/api/v1/a/status', 'a.state'), get('/api/v1/a/jobs/{job}', 'a.jobs.get'), get('/api/v1/a/jobs/{id}/log', 'a.log')]
    expect(faultsOf(() => checkManifests([service({ name: 'a', routes })]))).toEqual([
      'operation "a.jobs.get" is declared twice',
      'route "GET /api/v1/a/jobs/{}" is declared twice',
      'route "GET /api/v1/a/status" is declared twice',
    ])
  })

  it('finds a queue without a processor, and says every fault at once', () => {
    const idle = { ...queue('idle'), processor: undefined as never }
    const faults = faultsOf(() => checkManifests([service({ name: 'A', queues: [idle], routes: [get('/elsewhere', 'a.get')] })]))
    expect(faults).toEqual([
      'service "A" is not an RFC 1123 label',
      'queue "idle" of A has no processor',
      'route GET /elsewhere of A is on the wrong listener for its path',
    ])
  })

  it.each(['a', 'a-b', 'a1', 'a'.repeat(63)])('takes %s for a name', (name) => {
    expect(faultsOf(() => checkManifests([service({ name })]))).toEqual([])
  })

  it('finds a schedule whose queue is not declared', () => {
    const lost = service({ name: 'a', schedules: [{ id: 's', queue: queue('elsewhere'), every: 1000, payload: { version: 1 } }] })
    expect(faultsOf(() => checkManifests([lost]))).toEqual(['schedule "s" names queue "elsewhere", which a does not declare'])
  })

  it('keeps internal paths off the public listener, and the other way round', () => {
    const routes = [get('/internal/v1/peek', 'a.peek'), get('/api/v1/a', 'a.get', true)]
    expect(faultsOf(() => checkManifests([service({ name: 'a', routes })]))).toEqual([
      'route GET /internal/v1/peek of a is on the wrong listener for its path',
      'route GET /api/v1/a of a is on the wrong listener for its path',
    ])
  })

  it('refuses a name that could be no host and no schema', () => {
    for (const name of ['Files', 'a_b', '-a', '9a', '', 'a-', 'a.b', 'a/b', 'ä', 'a'.repeat(64)])
      expect(faultsOf(() => checkManifests([service({ name })]))).toHaveLength(1)
  })
})

describe('routeTable', () => {
  const files = service({
    name: 'files',
    routes: [get('/api/v1/files/{id}', 'files.get'), get('/api/v1/folders', 'folders.list'), get('/internal/v1/files', 'files.all', true)],
  })
  const identity = service({
    name: 'identity',
    routes: [get('/.well-known/jwks.json', 'identity.keys'), get('/api/v1/auth/token', 'auth.token')],
  })
  const table = routeTable([files, identity])

  it('follows from the manifests, without internal routes', () => {
    expect(table).toContainEqual({ prefix: '/api/v1/folders', service: 'files' })
    expect(table).toContainEqual({ prefix: '/api/v1/auth', service: 'identity' })
    expect(table).toContainEqual({ prefix: '/.well-known/jwks.json', service: 'identity' })
    expect(table).toContainEqual({ prefix: '/api/v1/identity', service: 'identity' })
    expect(table.filter(({ prefix }) => prefix.startsWith('/internal'))).toEqual([])
  })

  it('matches whole segments only', () => {
    expect(findRoute(table, '/api/v1/files')?.service).toBe('files')
    expect(findRoute(table, '/api/v1/files/x/content')?.service).toBe('files')
    expect(findRoute(table, '/api/v1/filesystem')).toBeUndefined()
    expect(findRoute(table, '/internal/v1/files')).toBeUndefined()
    expect(findRoute(table, '/')).toBeUndefined()
  })

  it('refuses two owners of one prefix', () => {
    const other = service({ name: 'menu', routes: [get('/api/v1/folders', 'menu.folders')] })
    expect(faultsOf(() => routeTable([files, other]))).toEqual(['services files and menu both claim /api/v1/folders'])
  })

  it('tries the longer prefix first', () => {
    const lengths = table.map(({ prefix }) => prefix.length)
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a))
    const nested = [
      { prefix: '/a/b', service: 'inner' },
      { prefix: '/a', service: 'outer' },
    ]
    expect([findRoute(nested, '/a/b/c')?.service, findRoute(nested, '/a/bc')?.service]).toEqual(['inner', 'outer'])
  })

  it.each(['/api/v1/files/../identity', '/api/v1', '/API/V1/files', '/api/v1/files%2fx', '//api/v1/files', '/api/v1/filesx/', ''])(
    'is not fooled by %j',
    (path) => {
      expect(findRoute(table, path)?.service).toBe(path === '/api/v1/files/../identity' ? 'files' : undefined)
    },
  )

  it('has the room of every service, even of one without routes: jobs, status and document are there', () => {
    expect(routeTable([service({ name: 'quiet' })])).toEqual([{ prefix: '/api/v1/quiet', service: 'quiet' }])
  })

  it('refuses a service that lives in the room of another', () => {
    const guest = service({ name: 'guest', routes: [get('/api/v1/files/extra', 'guest.extra')] })
    expect(faultsOf(() => routeTable([guest, files]))).toEqual(['services guest and files both claim /api/v1/files'])
  })

  it('is the same whatever the order of the manifests', () => {
    expect(routeTable([identity, files])).toEqual(table)
  })
})
