import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { type Home, homeAt, makeHome } from '../home.ts'
import { identify, isAlive, type ProcessIdentity } from '../supervisor/identity.ts'
import { readState } from '../supervisor/state.ts'
import { stopStack } from './stop.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Fake {
  readonly identity: ProcessIdentity
  /** The signals that asked it to end. */
  readonly signals: () => string[]
  /** Makes it end by itself, after it has heard every signal that was sent before. */
  readonly end: () => void
}

/** A process that writes down the signal that ends it. */
async function fake(): Promise<Fake> {
  const file = join(temporaryFolder(), 'signals')
  const script = `
    const { appendFileSync } = require('node:fs')
    const end = () => setImmediate(() => process.exit())
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => (appendFileSync(${JSON.stringify(file)}, signal + ' '), end()))
    process.on('SIGUSR2', end)
    setInterval(() => undefined, 1000)
    console.log('up')`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return {
    identity: identify(child.pid as number),
    signals: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : []),
    end: () => child.kill('SIGUSR2'),
  }
}

const dead = { pid: process.pid, started: 'an earlier process of this number' }

function homeWith(
  supervisor: ProcessIdentity,
  { phase = 'ready', units = {} }: { phase?: string; units?: Record<string, ProcessIdentity> } = {},
): Home {
  const home = emptyHome()
  const recorded = Object.entries(units).map(([name, identity]) => ({ name, kind: 'api', stopSignal: 'SIGTERM', state: 'ready', identity }))
  writeFileSync(home.state, JSON.stringify({ version: 1, supervisor, phase, url: '', port: 1, startedAt: '', units: recorded }))
  return home
}

function emptyHome(): Home {
  const home = homeAt(temporaryFolder())
  makeHome(home)
  return home
}

test('asks a supervisor once and waits for it', async () => {
  const supervisor = await fake()
  const home = homeWith(supervisor.identity)
  expect(await stopStack(home)).toBe('Stopped.')
  expect(supervisor.signals()).toEqual(['SIGTERM'])
  expect(isAlive(supervisor.identity)).toBe(false)
})

test('does not hasten one that somebody else has asked already, as a second signal would', async () => {
  const supervisor = await fake()
  const stopped = stopStack(homeWith(supervisor.identity, { phase: 'stopping' }))
  supervisor.end()
  expect(await stopped).toBe('Stopped.')
  expect(supervisor.signals()).toEqual([])
})

test('hastens it when the person at the terminal asks again', async () => {
  const supervisor = await fake()
  const stopped = stopStack(homeWith(supervisor.identity, { phase: 'stopping' }))
  // What Ctrl-C comes to in this process; the listener is there from the first moment on.
  process.emit('SIGINT', 'SIGINT')
  expect(await stopped).toBe('Stopped.')
  expect(supervisor.signals()).toEqual(['SIGTERM'])
  expect(process.listenerCount('SIGINT')).toBe(0)
})

test('stops one that has the lock and has written no state yet', async () => {
  const supervisor = await fake()
  const home = emptyHome()
  writeFileSync(home.lock, JSON.stringify(supervisor.identity))
  expect(await stopStack(home)).toBe('Stopped.')
  expect(supervisor.signals()).toEqual(['SIGTERM'])
})

test('ends what a supervisor has left behind that died while it stopped', async () => {
  const [supervisor, api] = [await fake(), await fake()]
  const home = homeWith(supervisor.identity, { units: { 'files-api': api.identity } })
  expect(await stopStack(home)).toBe('Stopped; ended what still ran: files-api.')
  expect(api.signals()).toEqual(['SIGTERM'])
  expect(readState(home.state)).toBeNull()
})

test('ends what a killed one has left behind, and only that', async () => {
  const [api, bystander] = [await fake(), await fake()]
  const home = homeWith(dead, { units: { 'files-api': api.identity, 'files-worker': { ...bystander.identity, started: 'earlier' } } })
  expect(await stopStack(home)).toBe('Ended what a killed stack left behind: files-api.')
  expect(isAlive(bystander.identity)).toBe(true)
  expect(await stopStack(home)).toBe('Nothing was running.')
})

test.each(['', '{', 'null', '[]', '{"version":2,"units":[]}'])('a state that reads %j stands for nothing that runs', async (text) => {
  const home = emptyHome()
  writeFileSync(home.state, text)
  writeFileSync(home.lock, JSON.stringify(dead))
  expect(await stopStack(home)).toBe('Nothing was running.')
})

test('a home that was never there has nothing to stop', async () => {
  expect(await stopStack(homeAt(join(temporaryFolder(), 'none')))).toBe('Nothing was running.')
})
