import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePorts } from '@slipway/stack'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../folders.fixtures.ts'
import { Ledger } from '../ledger.ts'
import { clockLibrary, clockVariables, stepClock, tellTimes } from './clock.ts'

const library = await clockLibrary()
const program = `require('node:http').createServer((request, response) => response.writeHead(503).end()).listen(process.env.PORT, '127.0.0.1')`

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

/** A process that is never ready, and tells the time all the same. */
async function processWith(environment: Record<string, string>) {
  const [port = 0] = await freePorts(1)
  const child = spawn(process.execPath, ['-e', program], { env: { PORT: String(port), ...environment } })
  stack.defer(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  return { name: 'sample-2', readyUrl: `http://127.0.0.1:${port}/` }
}

function teller() {
  const ledger = new Ledger()
  const notes: string[] = []
  return { ledger, notes, chaos: { client: { ledger }, note: (text: string) => notes.push(text), signal: new AbortController().signal } }
}

test.runIf(library)('a process steps with the file, ahead and back, as its answers tell', async () => {
  const clock = join(temporaryFolder(), 'clock')
  stepClock(clock, 0)
  const stepping = await processWith(clockVariables(library ?? '', clock))
  const { ledger, notes, chaos } = teller()
  for (const seconds of [300, -300]) {
    stepClock(clock, seconds)
    await tellTimes([stepping], { seconds }, chaos)
  }
  expect(notes).toEqual([expect.stringMatching(/^sample-2 \+(29|30)\d s$/), expect.stringMatching(/^sample-2 -(29|30)\d s$/)])
  expect(ledger.violations).toEqual([])
})

test('one that stays on time, or is not there, is found out', async () => {
  const onTime = await processWith({})
  const { ledger, notes, chaos } = teller()
  await tellTimes([onTime, { name: 'gone-2', readyUrl: 'http://127.0.0.1:1/' }], { seconds: 300, within: 3000 }, chaos)
  expect(notes).toEqual([expect.stringMatching(/^sample-2 [+-]\d s, gone-2 tells no time$/)])
  expect(ledger.violations).toMatchObject([{ rule: 'no-effect', what: 'sample-2, gone-2 did not step by +300 s' }])
})
