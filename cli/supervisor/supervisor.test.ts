import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { readState, StateRecord } from './state.ts'
import { Supervisor } from './supervisor.ts'
import type { Unit, UnitKind } from './unit.ts'

function setting() {
  const file = join(temporaryFolder(), 'state.json')
  const events: string[] = []
  const lines: string[] = []
  const supervisor = new Supervisor(new StateRecord({ file, url: '', port: 1 }), (line) => lines.push(line))
  const unit = (name: string, kind: UnitKind, start: () => Promise<void> = async () => undefined): Unit => ({
    name,
    kind,
    async start() {
      await start()
      events.push(`${name} up`)
      const ended = Promise.withResolvers<number | null>()
      const end = (how: string) => async () => {
        events.push(`${name} ${how}`)
        ended.resolve(0)
      }
      return { pid: process.pid, exited: ended.promise, stop: end('stop'), kill: end('kill') }
    },
  })
  return { supervisor, unit, events, lines, file }
}

test('stops users before what they use, whatever the order of their start', async () => {
  const { supervisor, unit, events } = setting()
  await supervisor.start([unit('postgres', 'store')])
  await supervisor.start([unit('files-worker', 'worker'), unit('files-api', 'api')])
  await supervisor.start([unit('edge', 'edge')])
  events.length = 0
  await supervisor.stop()
  expect(events).toEqual(['edge stop', 'files-api stop', 'files-worker stop', 'postgres stop'])
})

test('after a failed start, what runs can be stopped, and what was starting is waited for', async () => {
  const { supervisor, unit, events } = setting()
  const slow = Promise.withResolvers<void>()
  const starting = supervisor.start([
    unit('postgres', 'store'),
    unit('clamd', 'store', () => slow.promise),
    unit('redis', 'store', () => Promise.reject(new Error('port 6379 is in use'))),
  ])
  await expect(starting).rejects.toThrow('port 6379 is in use')
  const stopped = supervisor.stop()
  slow.resolve()
  await stopped
  expect(events.toSorted()).toEqual(['clamd stop', 'clamd up', 'postgres stop', 'postgres up'])
})

test('stops once, however often it is asked', async () => {
  const { supervisor, unit, events } = setting()
  await supervisor.start([unit('redis', 'store')])
  await Promise.all([supervisor.stop(), supervisor.stop()])
  expect(events).toEqual(['redis up', 'redis stop'])
})

test('a forced stop kills processes, but stops stores', async () => {
  const { supervisor, unit, events } = setting()
  await supervisor.start([unit('redis', 'store'), unit('files-api', 'api')])
  events.length = 0
  await supervisor.force()
  expect(events).toEqual(['files-api kill', 'redis stop'])
})

test('a unit that cannot be stopped does not keep the others running', async () => {
  const { supervisor, unit, events, lines } = setting()
  const stubborn: Unit = {
    ...unit('files-api', 'api'),
    start: async () => ({
      pid: process.pid,
      exited: new Promise(() => undefined),
      stop: () => Promise.reject(new Error('permission denied')),
      kill: async () => undefined,
    }),
  }
  await supervisor.start([unit('redis', 'store'), stubborn])
  await supervisor.stop()
  expect(events).toContain('redis stop')
  expect(lines.join('\n')).toContain('permission denied')
})

test('the state file follows', async () => {
  const { supervisor, unit, file } = setting()
  await supervisor.start([unit('redis', 'store')])
  expect(readState(file)).toMatchObject({ phase: 'starting', units: [{ name: 'redis', state: 'ready', pid: process.pid }] })
  await supervisor.stop()
  expect(readState(file)).toMatchObject({ phase: 'stopping', units: [{ name: 'redis', state: 'stopped', identity: null }] })
})
