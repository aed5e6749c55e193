import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@slipway/stack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StatusView } from './commands/status.ts'
import { temporaryFolder } from './folders.fixtures.ts'
import { checkout, homeAt } from './home.ts'
import { readDevEnv } from './stack/dev-env.ts'
import { identify, isAlive } from './supervisor/identity.ts'
import { poll } from './supervisor/poll.ts'
import { readState, type StackState } from './supervisor/state.ts'

interface Result {
  code: number | null
  output: string
}

interface Command {
  readonly child: ChildProcess
  readonly result: Promise<Result>
  /** What was printed so far. */
  printed(): string
}

const environment = Object.fromEntries(
  Object.entries({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: tmpdir() }),
)

function start(...args: string[]): Command {
  const child = spawn(process.execPath, [join(checkout, 'cli', 'main.ts'), ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: string[] = []
  child.stdout.on('data', (chunk) => chunks.push(String(chunk)))
  child.stderr.on('data', (chunk) => chunks.push(String(chunk)))
  const printed = () => chunks.join('')
  return { child, printed, result: new Promise((resolve) => child.once('close', (code) => resolve({ code, output: printed() }))) }
}

const slipway = (...args: string[]) => start(...args).result

const folder = temporaryFolder()
const home = homeAt(join(folder, 'a home'))
const inHome = ['--home', home.folder]
let port = 0
beforeAll(async () => {
  port = await freePort()
})
afterAll(async () => {
  await slipway('down', ...inHome)
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

async function status(): Promise<StatusView> {
  return JSON.parse((await slipway('status', '--json', ...inHome)).output) as StatusView
}

function within<T>(seconds: number, look: () => Promise<T | null> | T | null): Promise<T | null> {
  return poll(look, { within: seconds * 1000, every: 100 })
}

/** Processes that were recorded once and still run. */
function survivors(state: StackState | null): string[] {
  return (state?.units ?? []).filter((unit) => unit.identity && isAlive(unit.identity)).map((unit) => unit.name)
}

const list = (url: string, key: string) => fetch(`${url}/api/v1/files`, { headers: { authorization: `Bearer ${key}` } })

async function uploaded(url: string, key: string): Promise<string> {
  const form = new FormData()
  form.append('file', new Blob(['kept over restarts']), 'kept.txt')
  const answer = await fetch(`${url}/api/v1/files`, { method: 'POST', body: form, headers: { authorization: `Bearer ${key}` } })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { id: string }).id
}

describe('the life of a stack', { timeout: 180_000 }, () => {
  let file = ''
  let state: StackState | null = null

  test('up in the foreground: ready, with everything that a person needs; Ctrl-C drains in order', async () => {
    const up = start('up', '--port', String(port), ...inHome)
    expect(await within(120, () => (up.printed().includes('Ctrl-C stops everything') ? true : null))).toBe(true)
    const env = readDevEnv(home.devEnv)
    expect(up.printed()).toContain(env?.SLIPWAY_API_KEY)
    file = await uploaded(env?.SLIPWAY_URL ?? '', env?.SLIPWAY_API_KEY ?? '')
    expect((await status()).processes.map((process) => process.state)).toEqual(Array(10).fill('ready'))
    state = readState(home.state)
    up.child.kill('SIGINT')
    expect(await up.result).toMatchObject({ code: 0 })
    expect(survivors(state)).toEqual([])
    const log = readFileSync(join(home.logs, 'supervisor.log'), 'utf8')
    const order = ['stopping edge', 'stopping identity-api', 'stopping identity-worker', 'stopping redis'].map((line) => log.indexOf(line))
    expect(order.toSorted((a, b) => a - b)).toEqual(order)
    expect(order).not.toContain(-1)
    expect((await slipway('status', ...inHome)).code).toBe(3)
  })

  test('up again, detached: data and key are still good, and a second up only says so', async () => {
    expect(await slipway('up', '--detach', '--port', String(port), ...inHome)).toMatchObject({ code: 0 })
    const env = readDevEnv(home.devEnv)
    const answer = await fetch(`${env?.SLIPWAY_URL}/api/v1/files/${file}/content`, {
      headers: { authorization: `Bearer ${env?.SLIPWAY_API_KEY}` },
    })
    expect(await answer.text()).toBe('kept over restarts')
    expect(await slipway('up', ...inHome)).toMatchObject({ code: 0, output: expect.stringContaining('runs already') })
    expect(await slipway('up', '--port', '9999', ...inHome)).toMatchObject({ code: 1, output: expect.stringContaining(`on port ${port}`) })
  })

  test('doctor and migrate find it well', async () => {
    const doctor = await slipway('doctor', '--json', ...inHome)
    const { findings } = JSON.parse(doctor.output.slice(doctor.output.indexOf('{'))) as { findings: { name: string; level: string }[] }
    expect(findings.filter((finding) => finding.level === 'fail')).toEqual([])
    expect(findings.map((finding) => finding.name)).toEqual(
      expect.arrayContaining(['postgres', 'schema files', 'redis', 'storage', 'clamd', 'files-api']),
    )
    expect(doctor.code).toBe(0)
    expect(await slipway('migrate', ...inHome)).toMatchObject({ code: 0, output: expect.stringContaining('Everything was there already') })
  })

  test('an operator is made of a person, and a person where there is none', async () => {
    const env = readDevEnv(home.devEnv)
    const add = (email: string) => slipway('operator', 'add', email, ...inHome)
    expect(await add(env?.SLIPWAY_EMAIL ?? '')).toMatchObject({ code: 0, output: expect.not.stringContaining('it was made') })
    expect(await add('somebody@example.com')).toMatchObject({ code: 0, output: expect.stringContaining('it was made') })
    expect(await add('nobody')).toMatchObject({ code: 2, output: expect.stringContaining('"nobody" is no mail address') })
  })

  test('a process that is killed comes back, and status says so', async () => {
    const before = (await status()).processes.find((process) => process.name === 'files-api')
    process.kill(before?.pid ?? 0, 'SIGKILL')
    const after = await within(60, async () => {
      const found = (await status()).processes.find((process) => process.name === 'files-api')
      return found?.state === 'ready' && found.restarts === 1 ? found : null
    })
    expect(after).toMatchObject({ restarts: 1, lastFailure: 'ended by a signal' })
    expect(after?.pid).not.toBe(before?.pid)
    const env = readDevEnv(home.devEnv)
    expect((await list(env?.SLIPWAY_URL ?? '', env?.SLIPWAY_API_KEY ?? '')).status).toBe(200)
  })

  test('a store that is killed comes back too, with its data', async () => {
    const redis = (await status()).processes.find((process) => process.name === 'redis')
    process.kill(redis?.pid ?? 0, 'SIGKILL')
    const back = await within(60, async () =>
      (await status()).processes.find((found) => found.name === 'redis' && found.restarts === 1) ? true : null,
    )
    expect(back).toBe(true)
  })

  test('another stack cannot take the port, says so, and leaves nothing', async () => {
    const other = join(folder, 'other')
    const result = await slipway('up', '--detach', '--home', other, '--port', String(port))
    expect(result).toMatchObject({ code: 1, output: expect.stringMatching(/port \d+ is in use[\s\S]*fix: /) })
    expect(existsSync(join(other, 'run', 'state.json'))).toBe(false)
    expect(readdirSync(join(other, 'run'))).toEqual([])
  })

  test('a killed supervisor: status tells, down ends what is left', async () => {
    state = readState(home.state)
    const supervisor = state?.supervisor ?? identify(0)
    process.kill(supervisor.pid, 'SIGKILL')
    await within(10, () => (isAlive(supervisor) ? null : true))
    expect(await slipway('status', ...inHome)).toMatchObject({ code: 3, output: expect.stringContaining('The supervisor was killed') })
    expect(await slipway('down', ...inHome)).toMatchObject({ code: 0, output: expect.stringContaining('files-api') })
    expect(survivors(state)).toEqual([])
    expect(await slipway('down', ...inHome)).toMatchObject({ code: 0, output: expect.stringContaining('Nothing was running') })
  })

  test('reset removes the data, and asks first', async () => {
    expect(await slipway('reset', ...inHome)).toMatchObject({ code: 2, output: expect.stringContaining('add --yes') })
    expect(await slipway('reset', '--yes', ...inHome)).toMatchObject({ code: 0 })
    expect(existsSync(home.folder)).toBe(false)
  })
})

test('a start that is interrupted leaves nothing behind', { timeout: 120_000 }, async () => {
  const own = homeAt(join(folder, 'interrupted'))
  const up = start('up', '--home', own.folder, '--port', String(await freePort()))
  expect(await within(60, () => (up.printed().includes('starting Postgres') ? true : null))).toBe(true)
  await within(30, () => ((readState(own.state)?.units.length ?? 0) > 2 ? true : null))
  const state = readState(own.state)
  up.child.kill('SIGINT')
  const result = await up.result
  expect(result.code).toBe(130)
  expect(result.output).toContain('everything that was started is stopped')
  expect(survivors(state)).toEqual([])
  expect(existsSync(own.state)).toBe(false)
})

test('a home that cannot be used is named, with the fix', async () => {
  const server = createServer()
  const result = await slipway('up', '--home', '/dev/null/home', '--port', String(await freePort()))
  server.close()
  expect(result.code).not.toBe(0)
  expect(result.output).toMatch(/\/dev\/null\/home/)
})
