import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { homeAt } from '../home.ts'
import { services } from '../services.ts'
import type { StackState } from '../supervisor/state.ts'
import { ApiClient, ApiFailure } from './api-client.ts'
import { readConnections, removeConnections, writeConnections } from './connections.ts'
import { type DevEnv, readDevEnv, writeDevEnv } from './dev-env.ts'
import { router } from './edge-unit.ts'
import { planProcesses, processChild, processName } from './processes.ts'
import { renderSummary, testSignatureWarning } from './summary.ts'

const values: DevEnv = {
  SLIPWAY_URL: 'http://localhost:8800',
  SLIPWAY_TENANT: 'demo',
  SLIPWAY_EMAIL: 'demo@example.com',
  SLIPWAY_PASSWORD: 'a=b-c_d',
  SLIPWAY_API_KEY: 'slp_1_2',
}

function newFolder(): string {
  return temporaryFolder()
}

describe('dev.env', () => {
  test('is read as it was written, and only by its owner', () => {
    const file = join(newFolder(), 'dev.env')
    writeDevEnv(file, values)
    expect(readDevEnv(file)).toEqual(values)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toContain('SLIPWAY_PASSWORD=a=b-c_d\n')
  })

  test.each(['plain', 'with blank', `it's "quoted"`, '$HOME `id` $(id) \\ !', 'a=b#c;d&e|f', '~', '家 – ü', '*', "'"])(
    'gives a shell that sources it exactly %j, and us too',
    (value) => {
      const file = join(newFolder(), 'dev.env')
      writeDevEnv(file, { ...values, SLIPWAY_PASSWORD: value })
      const shell = execFileSync('/bin/sh', ['-euc', '. "$1"; printf %s "$SLIPWAY_PASSWORD|$SLIPWAY_API_KEY"', 'sh', file], {
        encoding: 'utf8',
      })
      expect(shell).toBe(`${value}|${values.SLIPWAY_API_KEY}`)
      expect(readDevEnv(file)?.SLIPWAY_PASSWORD).toBe(value)
    },
  )

  test('is closed again when somebody has opened it to all', () => {
    const file = join(newFolder(), 'dev.env')
    writeFileSync(file, '', { mode: 0o644 })
    writeDevEnv(file, values)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('that is cut short counts as none', () => {
    const file = join(newFolder(), 'dev.env')
    expect(readDevEnv(file)).toBeUndefined()
    writeFileSync(file, 'SLIPWAY_URL=http://localhost:8800\n')
    expect(readDevEnv(file)).toBeUndefined()
  })
})

describe('the summary', () => {
  const state = { url: 'http://localhost:8800' } as StackState
  const connections = { stores: {} as never, processes: {} }

  test('tells everything that a person needs, and warns of test signatures', () => {
    const home = homeAt(join(newFolder(), "with 'quote"))
    mkdirSync(home.run, { recursive: true })
    writeDevEnv(home.devEnv, values)
    writeConnections(home, { ...connections, signatures: 'test' })
    const text = renderSummary(home, state)
    for (const part of [...Object.values(values), '/docs', '/dev/mail', testSignatureWarning]) expect(text).toContain(part)
    expect(text).toContain(`with '\\''quote`)
  })

  test('does not warn when signatures are real', () => {
    const home = homeAt(newFolder())
    mkdirSync(home.run, { recursive: true })
    writeConnections(home, { ...connections, signatures: 'real' })
    expect(renderSummary(home, state)).not.toContain('Warning')
  })
})

describe('connections', () => {
  test('are for their owner only, replaced as a whole, and gone when a new start begins', () => {
    const home = homeAt(newFolder())
    mkdirSync(home.run, { recursive: true })
    writeConnections(home, { stores: {} as never, processes: {}, signatures: 'real' })
    expect(statSync(join(home.run, 'connections.json')).mode & 0o777).toBe(0o600)
    expect(readdirSync(home.run)).toEqual(['connections.json'])
    removeConnections(home)
    expect(readConnections(home)).toBeUndefined()
    removeConnections(home)
  })
})

describe('processes', () => {
  test('every service has an API and a worker, on ports of their own', async () => {
    const plans = await planProcesses(services)
    expect(plans.map(processName)).toEqual(['identity-api', 'identity-worker', 'files-api', 'files-worker', 'menu-api', 'menu-worker'])
    const ports = plans.flatMap((plan) => [plan.ports.open, plan.ports.internal])
    expect(new Set(ports).size).toBe(ports.length)
  })

  test('they are started with the flags of the images', async () => {
    const [plan] = await planProcesses(services)
    if (!plan) throw new Error('there is no service')
    const { args } = processChild(plan, { name: processName(plan), home: homeAt(newFolder()), environment: {} })
    const image = readFileSync(new URL('../../Dockerfile.backend', import.meta.url), 'utf8')
    expect(args.slice(0, 3)).toEqual([/^ENV NODE_OPTIONS=(.+)$/m.exec(image)?.[1], '--import', '@slipway/service/preload'])
  })

  test('the edge routes by the table of production, and by what only development has', async () => {
    const plans = await planProcesses(services)
    const portOf = (name: string) => plans.find((plan) => processName(plan) === name)?.ports.open
    const route = router({ manifests: services, plans, mailPort: 2525 })
    expect(route('/api/v1/files/1/content')?.port).toBe(portOf('files-api'))
    expect(route('/api/v1/folders')?.port).toBe(portOf('files-api'))
    expect(route('/api/v1/auth/sign-in')?.port).toBe(portOf('identity-api'))
    expect(route('/docs')?.port).toBe(portOf('identity-api'))
    expect(route('/docs/scalar.js')?.port).toBe(portOf('identity-api'))
    expect(route('/problems/file.infected')?.port).toBe(portOf('identity-api'))
    expect(route('/dev/mail/1')?.port).toBe(2525)
    for (const path of ['/internal/v1/jwks', '/api/v1/filesystem', '/docsy', '/health/live', '/']) expect(route(path)).toBeUndefined()
  })
})

describe('the API client', () => {
  const servers: Server[] = []
  afterEach(() => servers.splice(0).forEach((server) => server.close()))

  async function answering(status: number, body: string): Promise<{ url: string; seen: string[] }> {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`)
      response.writeHead(status).end(body)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
  }

  test('sends its credential with the scheme that it names, else as Bearer', async () => {
    const { url, seen } = await answering(200, '{"ok":true}')
    await new ApiClient(url).get('/a')
    await new ApiClient(url, 'slp_1').get('/b')
    expect(await new ApiClient(url).as('Service cli.secret').post('/c', {})).toEqual({ ok: true })
    expect(seen).toEqual(['GET /a -', 'GET /b Bearer slp_1', 'POST /c Service cli.secret'])
  })

  test('throws what the problem says', async () => {
    const { url } = await answering(409, '{"code":"resource.conflict","detail":"is taken"}')
    const failure = await new ApiClient(url).post('/a', {}).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ApiFailure)
    expect(failure).toMatchObject({ status: 409, code: 'resource.conflict', message: 'POST /a: 409 resource.conflict is taken' })
  })

  test.each([
    [204, ''],
    [502, '<html>'],
  ])('an answer %s that is no JSON: %j', async (status, body) => {
    const { url } = await answering(status, body)
    const answer = new ApiClient(url).get('/a')
    if (status === 204) expect(await answer).toBeUndefined()
    else await expect(answer).rejects.toThrow(/GET \/a: 502/)
  })
})
