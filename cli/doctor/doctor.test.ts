import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePort } from '@slipway/stack'
import { describe, expect, test } from 'vitest'
import { Failure } from '../failure.ts'
import { temporaryFolder } from '../folders.fixtures.ts'
import { type Home, homeAt } from '../home.ts'
import { writeConnections } from '../stack/connections.ts'
import { identify } from '../supervisor/identity.ts'
import { liveState, type RecordedUnit, readState, StateRecord } from '../supervisor/state.ts'
import { fault, well } from './checks.ts'
import { machineChecks } from './machine.ts'
import { processChecks } from './processes.ts'
import { runChecks } from './run-checks.ts'

function newHome(): Home {
  const home = homeAt(join(temporaryFolder(), 'a home'))
  mkdirSync(home.run, { recursive: true })
  return home
}

const unit: RecordedUnit = {
  name: 'files-api',
  kind: 'api',
  port: 20_001,
  stopSignal: 'SIGTERM',
  state: 'ready',
  pid: process.pid,
  since: new Date(0).toISOString(),
  restarts: 0,
  lastFailure: undefined,
  identity: identify(process.pid),
}

describe('runChecks', () => {
  test('gives a finding for every check in its order, and one that throws is a failure with its fix', async () => {
    const slow = Promise.withResolvers<void>()
    const findings = runChecks([
      { name: 'slow', run: async () => (await slow.promise, well('at last')) },
      { name: 'told', run: () => Promise.reject(new Failure('it is down', { fix: 'start it' })) },
      { name: 'untold', run: () => Promise.reject(new TypeError('x is not a function')) },
      { name: 'at once', run: async () => (slow.resolve(), well('now')) },
    ])
    expect(await findings).toMatchObject([
      { name: 'slow', level: 'ok', fault: null, what: 'at last' },
      { name: 'told', level: 'fail', fault: 'check.failed', what: 'it is down', fix: 'start it' },
      { name: 'untold', level: 'fail', fault: 'check.failed', what: 'x is not a function' },
      { name: 'at once', level: 'ok', fault: null, what: 'now' },
    ])
  })

  test('does not throw for a check that throws before it begins to wait', async () => {
    const thrower = () => {
      throw new Error('at once')
    }
    expect(await runChecks([{ name: 'hasty', run: thrower }])).toMatchObject([{ name: 'hasty', level: 'fail', what: 'at once' }])
  })

  test('looks at what builds on a check unless that failed, and behind it', async () => {
    const next = [{ name: 'later', run: async () => well('too') }]
    const found = await runChecks([
      { name: 'good', run: async () => well('good'), next },
      { name: 'poor', run: async () => fault('redis.append-only', 'no'), next },
      { name: 'bad', run: async () => fault('redis.eviction', 'lru'), next },
    ])
    expect(found.map(({ name }) => name)).toEqual(['good', 'later', 'poor', 'later', 'bad'])
  })
})

describe('the machine', () => {
  const findingOf = async (name: string, home: Home) => {
    const findings = await runChecks(machineChecks(home, liveState(home.state)).filter((check) => check.name === name))
    return findings[0]
  }

  test('is looked at although there is no home yet', async () => {
    const home = homeAt(join(temporaryFolder(), 'not', 'there', 'yet'))
    expect(await findingOf('disk', home)).toMatchObject({ what: expect.stringMatching(/^\d+ MiB free on the disk of .*not\/there\/yet$/) })
    expect(await findingOf('node', home)).toMatchObject({ level: 'ok', what: `Node ${process.versions.node}` })
  })

  test('has a stack whose supervisor was killed: the fix names its home as a shell takes it', async () => {
    const home = newHome()
    new StateRecord({ file: home.state, url: '', port: 1 }).phase('ready')
    writeFileSync(home.state, JSON.stringify({ ...readState(home.state), supervisor: { pid: process.pid, started: 'earlier' } }))
    expect(await findingOf('stack', home)).toMatchObject({
      name: 'stack',
      level: 'warn',
      what: 'the supervisor was killed',
      fix: `run \`slipway down --home '${home.folder}'\` to end what it left behind`,
    })
  })

  test.each([
    ['starting', 0, 'warn', 'starting: http://localhost:8800'],
    ['stopping', 0, 'warn', 'stopping: http://localhost:8800'],
    ['ready', 0, 'ok', 'runs at http://localhost:8800'],
    ['ready', 3, 'warn', 'restarted: files-api (3×, last: exited with code 1)'],
  ] as const)('has a stack that is %s with %s restarts: %s', async (phase, restarts, ...[level, what]) => {
    const home = newHome()
    const record = new StateRecord({ file: home.state, url: 'http://localhost:8800', port: 8800 })
    record.unit({ ...unit, restarts, lastFailure: restarts > 0 ? 'exited with code 1\n    and much of its log' : undefined })
    record.phase(phase)
    expect(await findingOf('stack', home)).toMatchObject({ level, what })
  })
})

describe('processes', () => {
  async function findingAt(status: number | null): Promise<unknown> {
    const server = createServer((_request, response) => response.writeHead(status ?? 500).end('{"code":"scanner.unavailable"}'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const home = newHome()
    const internal = status === null ? await freePort() : (server.address() as AddressInfo).port
    writeConnections(home, { stores: {} as never, processes: { 'files-api': { open: 1, internal } }, signatures: 'test' })
    const record = new StateRecord({ file: home.state, url: '', port: 1 })
    record.unit(unit)
    record.unit({ ...unit, name: 'redis', kind: 'store' })
    const state = liveState(home.state)
    const findings = state ? await runChecks(processChecks(home, state)) : []
    await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()))
    return findings
  }

  test('are asked by their internal ports, stores are not', async () => {
    expect(await findingAt(200)).toEqual([{ name: 'files-api', level: 'ok', fault: null, what: `ready, process ${process.pid}` }])
  })

  test('that are not ready say why, and where to read on', async () => {
    expect(await findingAt(503)).toMatchObject([
      {
        level: 'fail',
        what: 'not ready: 503 {"code":"scanner.unavailable"}',
        fix: expect.stringMatching(/slipway logs --home '.*' files-api/),
      },
    ])
    expect(await findingAt(null)).toMatchObject([{ level: 'fail', what: expect.stringContaining('no answer') }])
  })
})
