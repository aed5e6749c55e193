import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'
import { countedViolations } from './report.ts'

test('a whole run counts what was left out or too late, a part of it does not', () => {
  const ledger = new Ledger()
  ledger.violate('left-out', 'spool full')
  ledger.violate('recovery', 'clamd hung')
  expect([countedViolations(ledger, true), countedViolations(ledger, false)]).toEqual([2, 0])
  ledger.violate('lost', 'one')
  expect([countedViolations(ledger, true), countedViolations(ledger, false)]).toEqual([3, 1])
})
