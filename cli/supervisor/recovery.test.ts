import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { identify, isAlive, type ProcessIdentity, signalProcess } from './identity.ts'
import { poll } from './poll.ts'
import { cleanUpAfter } from './recovery.ts'
import { liveState, readState, StateRecord } from './state.ts'
import type { UnitStatus } from './unit.ts'

function stateFile(): string {
  return join(temporaryFolder(), 'state.json')
}

function sleeper(): { child: ChildProcess; pid: number; exited: Promise<NodeJS.Signals | null> } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' })
  const exited = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
  return { child, pid: child.pid as number, exited }
}

const status = (name: string, pid: number, change: Partial<UnitStatus> = {}): UnitStatus => ({
  name,
  kind: 'api',
  port: undefined,
  stopSignal: 'SIGTERM',
  state: 'ready',
  pid,
  since: '2026-01-01T00:00:00.000Z',
  restarts: 0,
  lastFailure: undefined,
  ...change,
})

/** The state as it is found when the supervisor was killed: everything in it is true, but its supervisor is gone. */
function abandon(file: string): void {
  const state = readState(file)
  writeFileSync(file, JSON.stringify({ ...state, supervisor: { pid: process.pid, started: 'an earlier process of this number' } }))
}

describe('identity', () => {
  test('a process is told from another one with the same number', () => {
    const { child, pid } = sleeper()
    const identity = identify(pid)
    expect(isAlive(identity)).toBe(true)
    expect(isAlive({ pid, started: 'another time' })).toBe(false)
    child.kill('SIGKILL')
  })

  test('one that ended is not alive, and no signal is sent', async () => {
    const { child, pid, exited } = sleeper()
    const identity = identify(pid)
    child.kill('SIGKILL')
    await exited
    expect(isAlive(identity)).toBe(false)
    expect(signalProcess(identity, 'SIGTERM')).toBe(false)
  })

  test('one that ended but was not reaped is not alive', async () => {
    const parent = spawn('/bin/sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const identity = identify(Number(line.toString()))
    expect(identity.started).not.toBeNull()
    expect(await poll(() => (isAlive(identity) ? null : true), { within: 20_000 })).toBe(true)
    expect(existsSync(`/proc/${identity.pid}/stat`)).toBe(process.platform === 'linux')
    parent.kill('SIGKILL')
  })

  test('one that never was has no identity', () => {
    expect(isAlive(identify(2 ** 22 + 1))).toBe(false)
  })
})

describe('state', () => {
  test('names the supervisor, its phase and every unit with its process', () => {
    const file = stateFile()
    const record = new StateRecord({ file, url: 'http://localhost:8800', port: 8800 })
    record.unit(status('files-api', process.pid))
    record.unit(status('files-api', process.pid, { restarts: 2 }))
    record.phase('ready')
    expect(readState(file)).toMatchObject({
      phase: 'ready',
      port: 8800,
      units: [{ name: 'files-api', restarts: 2, identity: identify(process.pid) }],
    })
    expect(liveState(file)).not.toBeNull()
  })

  test('that cannot be written for a while ends nothing, is told, and is whole again with the next change', () => {
    const file = join(temporaryFolder(), 'run', 'state.json')
    const lines: string[] = []
    mkdirSync(dirname(file))
    const record = new StateRecord({ file, url: '', port: 1, log: (line) => lines.push(line) })
    rmSync(dirname(file), { recursive: true })
    record.unit(status('files-api', process.pid))
    expect(lines).toEqual([expect.stringMatching(/state\.json cannot be written: ENOENT/)])
    mkdirSync(dirname(file))
    record.phase('ready')
    expect(readState(file)).toMatchObject({ phase: 'ready', units: [{ name: 'files-api' }] })
  })

  test('that cannot be written at all ends the start', () => {
    expect(() => new StateRecord({ file: join(temporaryFolder(), 'none', 'state.json'), url: '', port: 1 })).toThrow('ENOENT')
  })

  test('that is there and cannot be read is not taken for none', () => {
    const file = stateFile()
    mkdirSync(file)
    expect(() => readState(file)).toThrow('EISDIR')
    expect(() => liveState(file)).toThrow('EISDIR')
  })

  test('that is not there, also below something that is no folder, is none', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    expect(readState(join(folder, 'state.json'))).toBeNull()
    expect(readState(join(folder, 'file', 'state.json'))).toBeNull()
  })

  test('of a dead supervisor is no live state', () => {
    const file = stateFile()
    new StateRecord({ file, url: '', port: 1 }).phase('ready')
    abandon(file)
    expect(liveState(file)).toBeNull()
  })

  test.each(['', '{', 'null', '{"version":0,"units":[]}'])('that reads %j counts as none', (text) => {
    const file = stateFile()
    writeFileSync(file, text)
    expect(readState(file)).toBeNull()
  })
})

describe('cleanUpAfter', () => {
  test('ends recorded processes, each with its own signal, and removes the state', async () => {
    const [api, postgres] = [sleeper(), sleeper()]
    const file = stateFile()
    const record = new StateRecord({ file, url: '', port: 1 })
    record.unit(status('files-api', api.pid))
    record.unit(status('postgres', postgres.pid, { kind: 'store', stopSignal: 'SIGINT' }))
    abandon(file)
    expect(await cleanUpAfter(file)).toEqual(['files-api', 'postgres'])
    expect(await api.exited).toBe('SIGTERM')
    expect(await postgres.exited).toBe('SIGINT')
    expect(existsSync(file)).toBe(false)
  })

  test('leaves a process alone that only has the number of a recorded one', async () => {
    const bystander = sleeper()
    const file = stateFile()
    new StateRecord({ file, url: '', port: 1 }).unit(status('files-api', bystander.pid))
    const state = readState(file)
    const other: ProcessIdentity = { pid: bystander.pid, started: 'long ago' }
    writeFileSync(file, JSON.stringify({ ...state, units: state?.units.map((unit) => ({ ...unit, identity: other })) }))
    expect(await cleanUpAfter(file)).toEqual([])
    expect(isAlive(identify(bystander.pid))).toBe(true)
    bystander.child.kill('SIGKILL')
  })

  test('kills what does not want to go', async () => {
    const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const exited = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
    const file = stateFile()
    new StateRecord({ file, url: '', port: 1 }).unit(status('files-api', child.pid as number))
    await cleanUpAfter(file, { milliseconds: 200 })
    expect(await exited).toBe('SIGKILL')
  })

  test('is content when there is nothing to do', async () => {
    expect(await cleanUpAfter(stateFile())).toEqual([])
  })
})
