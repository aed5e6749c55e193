import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@slipway/stack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processesWith, type RunningCommand, slipway, start } from './command.fixtures.ts'
import type { StatusView } from './commands/status.ts'
import { temporaryFolder } from './folders.fixtures.ts'
import { checkout, homeAt, makeHome } from './home.ts'
import { services } from './services.ts'
import { readDevEnv } from './stack/dev-env.ts'
import { identify, isAlive, type ProcessIdentity } from './supervisor/identity.ts'
import { poll } from './supervisor/poll.ts'
import { readState, type StackState } from './supervisor/state.ts'

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

/** Waits until a command has printed that; a command that ends before is a failure that shows what it said instead. */
async function says({ printed, result }: RunningCommand, words: string): Promise<void> {
  const ended = result.then(() => false)
  await Promise.race([ended, within(120, () => (printed().includes(words) ? true : null))])
  expect(printed()).toContain(words)
}

/** Processes that were recorded once and still run. */
function survivors(state: StackState | null): string[] {
  return (state?.units ?? []).filter((unit) => unit.identity && isAlive(unit.identity)).map((unit) => unit.name)
}

const bearer = (key = '') => ({ headers: { authorization: `Bearer ${key}` } })

const list = (url: string, key: string) => fetch(`${url}/api/v1/files`, bearer(key))

async function kill(identity: ProcessIdentity): Promise<void> {
  process.kill(identity.pid, 'SIGKILL')
  await within(10, () => (isAlive(identity) ? null : true))
}

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
    const up = start(['up', '--port', String(port), ...inHome])
    await says(up, 'Ctrl-C stops everything')
    const env = readDevEnv(home.devEnv)
    expect(up.printed()).toContain(env?.SLIPWAY_API_KEY)
    file = await uploaded(env?.SLIPWAY_URL ?? '', env?.SLIPWAY_API_KEY ?? '')
    expect((await status()).processes.map((process) => process.state)).toEqual(Array(6 + 2 * services.length).fill('ready'))
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

  test('a killed supervisor: status tells, up recovers from it with all data', async () => {
    state = readState(home.state)
    await kill(state?.supervisor ?? identify(0))
    expect(await slipway('status', ...inHome)).toMatchObject({ code: 3, output: expect.stringContaining('The supervisor was killed') })
    const up = await slipway('up', '--detach', '--port', String(port), ...inHome)
    expect(up).toMatchObject({ code: 0, output: expect.stringMatching(/ended what a killed stack left behind: \w/) })
    expect(survivors(state)).toEqual([])
    const env = readDevEnv(home.devEnv)
    expect((await status()).processes.map((process) => process.state)).toEqual(Array(6 + 2 * services.length).fill('ready'))
    const answer = await fetch(`${env?.SLIPWAY_URL}/api/v1/files/${file}/content`, bearer(env?.SLIPWAY_API_KEY))
    expect(await answer.text()).toBe('kept over restarts')
  })

  describe('a second one beside it', () => {
    const second = homeAt(join(folder, 'ein zweites, – 家 #2'))
    const inSecond = ['--home', second.folder]
    // Every process of a stack gets it, so that all of them are found, recorded or not.
    const mark = { TMPDIR: join(folder, 'temporary-2') }
    let secondPort = ''
    beforeAll(async () => {
      mkdirSync(mark.TMPDIR)
      secondPort = String(await freePort())
    })

    const startSecond = () => start(['up', ...inSecond, '--port', secondPort], { environment: mark })

    async function nothingIsLeft(): Promise<void> {
      expect(await within(20, () => (processesWith(mark.TMPDIR).length === 0 ? true : null)), 'all processes are gone').toBe(true)
      expect(existsSync(second.state)).toBe(false)
    }

    test.each([
      ['before there is a supervisor', 'Slipway starts', 'SIGTERM'],
      ['while the stores start', 'starting Postgres', 'SIGINT'],
      ['after the migrations', 'applied', 'SIGTERM'],
      ['while the processes start', 'starting identity-api', 'SIGHUP'],
      ['while the demo tenant is made', 'making a demo tenant', 'SIGINT'],
      ['by the death of the command', 'starting identity-api', 'SIGKILL'],
    ] as const)('can be interrupted %s', async (_, words, signal) => {
      const up = startSecond()
      await says(up, words)
      up.child.kill(signal)
      const { code, output } = await up.result
      expect(code).not.toBe(0)
      expect(output).not.toContain('Ready after')
      await nothingIsLeft()
    })

    test('ends by itself when its command died while it ended what a killed one had left', async () => {
      const orphan = spawn('sleep', ['600'], { stdio: 'ignore' })
      const unit = { name: 'files-api', kind: 'api', stopSignal: 'SIGTERM', state: 'ready', identity: identify(orphan.pid ?? 0) }
      const dead = { pid: process.pid, started: 'an earlier process of this number' }
      makeHome(second)
      writeFileSync(second.state, JSON.stringify({ version: 1, supervisor: dead, phase: 'ready', url: '', port: 1, units: [unit] }))
      const args = [join(checkout, 'cli', 'main.ts'), 'supervise', ...inSecond, '--port', secondPort]
      const supervisor = spawn(process.execPath, args, {
        env: { PATH: '/usr/bin:/bin', ...mark },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      })
      const ended = new Promise<number | null>((resolve) => supervisor.once('exit', resolve))
      supervisor.disconnect()
      expect(await within(60, () => supervisor.exitCode)).toBe(130)
      await ended
      await nothingIsLeft()
    })

    test('is told as starting, and taken down by two who ask at once', async () => {
      const up = startSecond()
      expect(await within(60, () => ((readState(second.state)?.units.length ?? 0) > 2 ? true : null))).toBe(true)
      const supervisor = readState(second.state)?.supervisor.pid ?? 0
      // It starts on when all have seen that it does.
      process.kill(supervisor, 'SIGSTOP')
      expect(await slipway('up', ...inSecond)).toMatchObject({ code: 1, output: expect.stringContaining('is still starting') })
      expect(await slipway('migrate', ...inSecond)).toMatchObject({ code: 1, output: expect.stringContaining('is still starting') })
      expect((await slipway('status', ...inSecond)).output).toContain('starting: http://localhost')
      const downs = [slipway('down', ...inSecond), slipway('down', ...inSecond)]
      expect(await within(60, () => (isToldToEnd(supervisor) ? true : null))).toBe(true)
      process.kill(supervisor, 'SIGCONT')
      expect((await Promise.all(downs)).map(({ code }) => code)).toEqual([0, 0])
      expect(await up.result).toMatchObject({ code: 130, output: expect.stringContaining('everything that was started is stopped') })
      await nothingIsLeft()
    })

    test('comes up after all that, and neither knows of the other', async () => {
      const up = await start(['up', '--detach', ...inSecond, '--port', secondPort], { environment: mark }).result
      expect(up, up.output).toMatchObject({ code: 0 })
      const [one, two] = [readDevEnv(home.devEnv), readDevEnv(second.devEnv)]
      const own = await uploaded(two?.SLIPWAY_URL ?? '', two?.SLIPWAY_API_KEY ?? '')
      expect((await fetch(`${two?.SLIPWAY_URL}/api/v1/files/${own}`, bearer(two?.SLIPWAY_API_KEY))).status).toBe(200)
      expect((await fetch(`${one?.SLIPWAY_URL}/api/v1/files/${own}`, bearer(one?.SLIPWAY_API_KEY))).status).toBe(404)
      expect((await list(two?.SLIPWAY_URL ?? '', one?.SLIPWAY_API_KEY ?? '')).status).toBe(401)
    })

    test('gives a shell what it needs, and nobody else', async () => {
      for (const name of ['dev.env', 'secrets.json', 'run/connections.json', 'run/state.json'])
        expect(statSync(join(second.folder, name)).mode & 0o777, name).toBe(0o600)
      const script = '. "$1/dev.env" && curl -sf -H "Authorization: Bearer $SLIPWAY_API_KEY" "$SLIPWAY_URL/api/v1/me"'
      const me = execFileSync('/bin/sh', ['-euc', script, 'sh', second.folder], { encoding: 'utf8' })
      expect(me).toContain('"demo"')
    })

    test('names the process that was killed twice, and that it waits longer now', async () => {
      const api = async () => {
        const { output } = await slipway('status', '--json', ...inSecond)
        return (JSON.parse(output) as StatusView).processes.find((process) => process.name === 'files-api')
      }
      for (const restarts of [1, 2]) {
        process.kill((await api())?.pid ?? 0, 'SIGKILL')
        expect(await within(60, async () => ((await api())?.restarts === restarts && (await api())?.state === 'ready' ? true : null))).toBe(
          true,
        )
      }
      expect(await slipway('doctor', ...inSecond)).toMatchObject({
        code: 0,
        output: expect.stringMatching(
          /warn {2}stack .*restarted: files-api \(2×, last: ended by a signal\)\n.*why: .*\n.*fix: read .*logs --home '.*' files-api/,
        ),
      })
    })

    test('is reset while it runs: everything of it is gone, the other one is not', async () => {
      expect(await slipway('reset', '--yes', ...inSecond)).toMatchObject({ code: 0, output: expect.stringContaining('Stopped.') })
      expect(existsSync(second.folder)).toBe(false)
      await nothingIsLeft()
      expect((await slipway('status', ...inHome)).code).toBe(0)
    })
  })

  test('a killed supervisor: down ends what is left', async () => {
    state = readState(home.state)
    await kill(state?.supervisor ?? identify(0))
    expect(await slipway('down', ...inHome)).toMatchObject({ code: 0 })
    expect(survivors(state)).toEqual([])
    expect(await slipway('down', ...inHome)).toMatchObject({ code: 0, output: expect.stringContaining('Nothing was running') })
  })

  test('a supervisor that is killed under a command that attends it: the command says so and leaves nothing', async () => {
    const up = start(['up', '--port', String(port), ...inHome])
    await says(up, 'Ctrl-C stops everything')
    state = readState(home.state)
    await kill(state?.supervisor ?? identify(0))
    expect(await up.result).toMatchObject({ code: 1, output: expect.stringContaining('the supervisor ended unexpectedly') })
    expect(survivors(state)).toEqual([])
    expect(existsSync(home.state)).toBe(false)
  })

  test('reset removes the data, and asks first', async () => {
    expect(await slipway('reset', ...inHome)).toMatchObject({ code: 2, output: expect.stringContaining('add --yes') })
    expect(await slipway('reset', '--yes', ...inHome)).toMatchObject({ code: 0 })
    expect(existsSync(home.folder)).toBe(false)
  })
})

/** A disk of a mebibyte; false where this user may not mount one. */
function mountSmallDisk(disk: string): boolean {
  mkdirSync(disk)
  try {
    execFileSync('sh', ['-c', 'mount -t tmpfs -o size=1m none "$1"', 'sh', disk], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('a disk that is full, or nearly, is named with the fix, and nothing is left', { timeout: 60_000 }, async (context) => {
  const disk = join(folder, 'small disk')
  context.skip(!mountSmallDisk(disk), 'this user may not mount a disk')
  try {
    const own = join(disk, 'home')
    const up = () => start(['up', '--home', own, '--port', String(port)], { environment: { TMPDIR: disk } }).result
    expect(await up()).toMatchObject({
      code: 1,
      output: expect.stringMatching(/the disk of .* MiB are needed[\s\S]*fix: free some disk space/),
    })
    expect(readdirSync(join(own, 'run'))).toEqual([])
    execFileSync('sh', ['-c', 'cat /dev/zero > "$1/filling" 2> /dev/null || true', 'sh', disk])
    expect(await up()).toMatchObject({ code: 1, output: expect.stringMatching(/fix: free some disk space/) })
    expect(processesWith(disk)).toEqual([])
  } finally {
    execFileSync('sh', ['-c', 'umount "$1"', 'sh', disk])
  }
})

test('a limit that is no number is told before anything is started', { timeout: 60_000 }, async () => {
  const own = homeAt(join(folder, 'wrong limit'))
  const args = ['up', '--home', own.folder, '--port', String(await freePort())]
  const { code, output } = await start(args, { environment: { CLAMAV_MAX_FILE_BYTES: 'a lot' } }).result
  expect([code, output]).toEqual([1, expect.stringContaining('CLAMAV_MAX_FILE_BYTES: "a lot" is not a whole number')])
  expect(readdirSync(own.run)).toEqual([])
})

test('a home that cannot be used is named, with the fix', async () => {
  const result = await slipway('up', '--home', '/dev/null/home', '--port', String(await freePort()))
  expect(result.code).not.toBe(0)
  expect(result.output).toMatch(/\/dev\/null\/home[\s\S]*fix: choose another --home/)
})

/** Whether SIGTERM waits for a stopped process: its bit in the mask of signals that are pending for all of it. */
function isToldToEnd(pid: number): boolean {
  const [, pending = '0'] = /^ShdPnd:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (BigInt(`0x${pending}`) & (1n << BigInt(constants.signals.SIGTERM - 1))) !== 0n
}
