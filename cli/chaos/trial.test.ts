import { afterEach, beforeEach, expect, test } from 'vitest'
import { answer, scripted } from './client.fixtures.ts'
import type { Fault } from './faults/fault.ts'
import { runTrial } from './trial.ts'
import type { World } from './world.ts'

const signal = new AbortController().signal
/** The load has 50 per second. */
const conditions = { steadySeconds: 1, patienceSeconds: 10, pace: 40 }
/** None of these faults looks at it. */
const world = {} as World

let api: Awaited<ReturnType<typeof scripted>>
let isAway = false
let load: NodeJS.Timeout
beforeEach(async () => {
  api = await scripted(answer(200))
  isAway = false
  load = setInterval(() => {
    if (isAway) api.client.meter.refused(12)
    else api.client.meter.done(1)
  }, 20)
})
afterEach(async () => {
  clearInterval(load)
  await api[Symbol.asyncDispose]()
})

const fault = (more: Partial<Fault>): Fault => ({ name: 'a fault', seconds: 0.5, begin: async () => async () => undefined, ...more })
const away: Fault['begin'] = async () => {
  isAway = true
  return async () => {
    isAway = false
  }
}
const trial = (more: Partial<Fault>) => runTrial({ world, client: api.client, signal }, fault(more), conditions)

test('a fault that is over in its effects when it ends', async () => {
  const told = await trial({ begin: away })
  expect(told).toMatchObject({ fault: 'a fault', violations: 0, slowest503Milliseconds: 12 })
  expect(told.rate.during).toBeLessThan(told.rate.before / 2)
  expect(told.rate.after).toBeGreaterThanOrEqual(Math.min(told.rate.before, conditions.pace) * 0.95)
  expect(told.recoverySeconds).not.toBeNull()
  expect(api.rules()).toEqual([])
})

test('what lasts longer than the fault counts as its recovery', async () => {
  const begin = async () => {
    isAway = true
    return async () => void setTimeout(() => (isAway = false), 2000)
  }
  expect((await trial({ begin })).recoverySeconds).toBeGreaterThan(0.1)
})

test('what was held up before is no rate to come back to', async () => {
  // Many at a time, so that it is a burst however late the timer is.
  const burst = setInterval(() => Array.from({ length: 20 }, () => api.client.meter.done(1)), 20)
  const begin = async () => async () => clearInterval(burst)
  const told = await trial({ begin })
  expect(told.rate.before).toBeGreaterThan(100)
  expect(told.recoverySeconds).not.toBeNull()
  expect(api.rules()).toEqual([])
})

test('violations are those of the fault, and its notes are told', async () => {
  api.ledger.violate('lost', 'before it')
  const told = await trial({
    begin: async ({ note, client }) => {
      client.ledger.violate('slow-answer', 'in it')
      note('as it went')
      return async () => undefined
    },
  })
  expect(told).toMatchObject({ violations: 1, notes: ['as it went'] })
  expect(api.ledger.violations.map(({ during }) => during)).toEqual(['the start', 'a fault'])
})

test('one that this machine cannot do is over at once, and a violation that tells why', async () => {
  const begin: Fault['begin'] = async ({ note }) => {
    note('nothing may be mounted here')
    return null
  }
  const told = await trial({ seconds: 60, begin })
  expect(told).toMatchObject({ violations: 1, notes: ['nothing may be mounted here'] })
  expect(api.ledger.violations).toMatchObject([{ rule: 'left-out', what: 'a fault: nothing may be mounted here' }])
  expect(api.ledger.lateCount).toBe(1)
})

test('it is healed when the run is interrupted', async () => {
  const interruption = new AbortController()
  const begin: Fault['begin'] = async (chaos) => {
    setTimeout(() => interruption.abort(new Error('interrupted')), 50)
    return await away(chaos)
  }
  const running = runTrial({ world, client: api.client, signal: interruption.signal }, fault({ seconds: 60, begin }), conditions)
  await expect(running).rejects.toThrow('interrupted')
  expect(isAway).toBe(false)
})

test('the end of what was held up is no sign of life', async () => {
  let backlog: NodeJS.Timeout | undefined
  const begin: Fault['begin'] = async (chaos) => {
    await away(chaos)
    backlog = setInterval(() => api.client.meter.done(60_000), 20)
    return async () => undefined
  }
  const told = await trial({ begin })
  clearInterval(backlog)
  expect(told.recoverySeconds).toBeNull()
  expect(told.rate.after).toBe(0)
  expect(api.rules()).toEqual(['recovery'])
})

test('a 503 that comes too late is a violation, unless the fault explains it', async () => {
  const begin = async () => {
    api.client.meter.refused(12_001)
    return async () => undefined
  }
  expect(await trial({ begin })).toMatchObject({ violations: 1, slowest503Milliseconds: 12_001 })
  expect(await trial({ name: 'a slow fault', begin, longest503Milliseconds: 26_000 })).toMatchObject({ violations: 0 })
  expect(api.rules()).toEqual(['slow-refusal'])
})

test('a service that stops where it has to go on is a violation', async () => {
  expect(await trial({ begin: away, goesOn: true })).toMatchObject({ violations: 1 })
  // One request in two seconds is enough.
  const few = { ...conditions, pace: 1 }
  const going = fault({ name: 'another', seconds: 2, goesOn: true })
  expect(await runTrial({ world, client: api.client, signal }, going, few)).toMatchObject({ violations: 0 })
  expect(api.rules()).toEqual(['outage'])
})

test('a load that does not come back is a violation', async () => {
  const begin = async () => async () => {
    isAway = true
  }
  expect((await trial({ begin })).recoverySeconds).toBeNull()
  expect(api.rules()).toEqual(['recovery'])
})
