import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'

const upload = (name: string, isInfected = false) => ({ name, sha256: `sha of ${name}`, size: 1, isInfected })

test('clean content of the load is known by its digest, infected content is not', () => {
  const ledger = new Ledger()
  ledger.open(upload('a'))
  ledger.open(upload('b', true))
  expect(['a', 'b', 'c'].map((name) => ledger.isClean(`sha of ${name}`))).toEqual([true, false, false])
})

test('entries are found by what became of them', () => {
  const ledger = new Ledger()
  const [one, two] = [ledger.open(upload('a')), ledger.open(upload('b'))]
  ledger.open(upload('c'))
  one.state = 'clean'
  two.state = 'trashed'
  expect(ledger.inState('clean', 'trashed').map(({ name }) => name)).toEqual(['a', 'b'])
  expect(ledger.inState('sent').map(({ name }) => name)).toEqual(['c'])
})

test('a violation belongs to what was going on', () => {
  const ledger = new Ledger()
  ledger.during = 'clamd killed'
  ledger.violate('lost', 'a')
  ledger.during = 'redis wiped'
  expect(ledger.violationsDuring('clamd killed')).toBe(1)
  expect(ledger.violationsDuring('redis wiped')).toBe(0)
  expect(ledger.violations).toEqual([{ rule: 'lost', during: 'clamd killed', what: 'a' }])
})

test('what only came too late, or not about, is counted apart', () => {
  const ledger = new Ledger()
  for (const rule of ['slow-answer', 'lost', 'recovery', 'no-retry-after', 'left-out'] as const) ledger.violate(rule, 'a')
  expect([ledger.violationCount, ledger.lateCount]).toEqual([5, 3])
})

test('all are counted, and a few hundred kept', () => {
  const ledger = new Ledger()
  for (let turn = 0; turn < 5000; turn++) ledger.violate('slow-answer', `${turn}`)
  expect(ledger.violationCount).toBe(5000)
  expect(ledger.violations.length).toBe(200)
})
