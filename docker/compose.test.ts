import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { services as manifests } from '../cli/services.ts'

const root = join(import.meta.dirname, '..')

interface Service {
  image: string
  user?: string
  read_only?: boolean | string
  cap_drop?: string[]
  cap_add?: string[]
  privileged?: boolean
  security_opt?: string[]
  network_mode?: string
  ports?: string[]
  volumes?: string[]
  command?: unknown
  restart?: string
  environment?: Record<string, string | null>
  healthcheck?: { test?: unknown; disable?: boolean }
  depends_on?: Record<string, { condition: string }>
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string; pids?: number } } }
  develop?: { watch: { action: string; path: string; target?: string }[] }
}

interface Composition {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  networks: Record<string, unknown>
}

const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
const { services, volumes, networks } = parse(text, { merge: true, maxAliasCount: -1 }) as Composition
const all = Object.entries(services)
const oneShots = all.filter(([, { restart }]) => restart === 'no')
const lasting = all.filter(([, { restart }]) => restart !== 'no')

/** `${NAME:-value}` → value; what has no other choice stays. */
function resolved(value: string): string {
  return value.replace(/\$\{\w+:-((?:[^${}]|\$\{[^{}]*\})*)\}/g, '$1')
}

describe('every container', () => {
  test.each(all)('%s can do no more than it must', (_name, service) => {
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.cap_add).toBeUndefined()
    expect(service.privileged).toBeUndefined()
    expect(service.security_opt).toEqual(['no-new-privileges:true'])
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    expect(resolved(String(service.read_only))).toBe('true')
  })

  test.each(all)('%s has limits', (_name, { deploy }) => {
    const { cpus, memory, pids } = deploy?.resources?.limits ?? {}
    expect(Number(cpus)).toBeGreaterThan(0)
    expect(memory).toMatch(/^\d+[mg]$/)
    expect(pids).toBeGreaterThan(0)
  })

  test.each(all)('%s has an image of a certain version', (_name, { image }) => {
    const version = resolved(image).split(':')[1]
    expect(version).toBeTruthy()
    expect(version).not.toMatch(/latest|stable/)
  })
})

test.each(lasting.filter(([name]) => name !== 'otel'))('%s tells whether it is well', (_name, { healthcheck, restart }) => {
  expect(healthcheck?.test).toBeTruthy()
  expect(restart).toBe('unless-stopped')
})

test('only what ends by itself goes without a health check', () => {
  expect(oneShots.map(([name]) => name).sort()).toEqual(['demo', 'migrate', 'secrets', 'slipway'])
})

describe('ways in', () => {
  it('nothing but the edge is published, and that on the loopback address', () => {
    const published = all.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, resolved(port)]))
    expect(published).toEqual([['frontend', '127.0.0.1:8080:8080']])
  })

  it('there is one network; who makes the secrets is not even there', () => {
    expect(Object.keys(networks)).toEqual(['default'])
    expect(
      all.filter(([, { network_mode }]) => network_mode !== undefined).map(([name, { network_mode }]) => [name, network_mode]),
    ).toEqual([['secrets', 'none']])
  })
})

describe('secrets', () => {
  it('stand in volumes, never in this file', () => {
    const given = all.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment).map(([key, value]) => [name, key, value] as const),
    )
    const secret = given.filter(([, key]) => /(PASSWORD|SECRET|CREDENTIAL|_KEY|CALLERS)/.test(key))
    expect(secret.length).toBeGreaterThan(20)
    for (const [name, key, value] of secret) {
      if (value === null) continue
      expect([name, key, value]).toEqual([name, expect.stringMatching(/_FILE$/), expect.stringMatching(/^\/secrets\/[\w-]+\/[A-Z0-9_]+$/)])
    }
  })

  test.each(all)('%s mounts what its variables point at, and may not write there', (name, { environment = {}, volumes = [] }) => {
    const rooms = new Set(Object.values(environment).flatMap((value) => /^\/secrets\/([\w-]+)\//.exec(value ?? '')?.[1] ?? []))
    const mounted = volumes.filter((volume) => volume.startsWith('secrets-'))
    for (const room of rooms) expect(mounted).toContain(`secrets-${room}:/secrets/${room}:ro`)
    if (name !== 'secrets') expect(mounted.filter((volume) => !volume.endsWith(':ro'))).toEqual([])
  })

  test.each(manifests.map(({ name }) => name))('of %s are read by its own processes and the migration only', (service) => {
    const readers = all.filter(([, { volumes = [] }]) => volumes.some((volume) => volume.startsWith(`secrets-${service}:`)))
    expect(readers.map(([name]) => name).sort()).toEqual([`${service}-api`, `${service}-worker`, 'migrate', 'secrets'].sort())
  })

  it('of the admin of Postgres are not for processes', () => {
    const readers = all.filter(([, { volumes = [] }]) => volumes.some((volume) => volume.startsWith('secrets-postgres:')))
    expect(readers.map(([name]) => name).sort()).toEqual(['migrate', 'postgres', 'secrets'])
  })
})

it('has an API and a worker for every service', () => {
  for (const { name } of manifests) {
    for (const kind of ['api', 'worker']) {
      expect(services[`${name}-${kind}`]).toMatchObject({
        image: `slipway/${kind === 'api' ? 'backend' : 'worker'}:\${SLIPWAY_VERSION:-dev}`,
        command: [name],
        environment: { SLIPWAY_SERVICES: manifests.map((manifest) => manifest.name).join(',') },
      })
    }
  }
  expect(services['secrets']?.command).toEqual(['/secrets', ...manifests.map(({ name }) => name)])
})

it('waits for what is well, and for what has ended well', () => {
  for (const [, { depends_on = {} }] of all) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const ends = oneShots.some(([oneShot]) => oneShot === name)
      expect([name, condition]).toEqual([name, ends ? 'service_completed_successfully' : 'service_healthy'])
      if (!ends) expect(services[name]?.healthcheck?.test).toBeTruthy()
    }
  }
})

it('declares every volume that is mounted by name, and mounts all of them', () => {
  const mounted = all
    .flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''))
    .filter((name) => !name.startsWith('.'))
  expect([...new Set(mounted)].sort()).toEqual(Object.keys(volumes).sort())
})

test.each(all.filter(([, { develop }]) => develop))(
  '%s is kept up to date from folders that there are',
  (_name, { develop, volumes = [] }) => {
    for (const { action, path, target } of develop?.watch ?? []) {
      expect(['rebuild', 'sync+restart']).toContain(action)
      expect(existsSync(join(root, path))).toBe(true)
      if (action !== 'rebuild') expect(target).toBe(`/app/${path}`)
    }
    for (const file of volumes.filter((volume) => volume.startsWith('./')))
      expect(existsSync(join(root, file.split(':')[0] ?? ''))).toBe(true)
  },
)

it('runs the stores in the versions of the chart', () => {
  const file = join(root, 'helm/slipway/values.yaml')
  const { images } = parse(readFileSync(file, 'utf8')) as { images: Record<string, { repository: string; tag: string }> }
  const chosen = { postgresql: 'postgres', redis: 'valkey', seaweedfs: 'seaweedfs', clamav: 'clamav' }
  for (const [inChart, here] of Object.entries(chosen)) {
    const { repository, tag } = images[inChart] ?? { repository: '', tag: '' }
    expect(services[here]?.image).toBe(`${repository}:${tag}`)
  }
})
