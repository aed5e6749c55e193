import { expect, test } from 'vitest'
import { createMeter } from './meter.ts'

function meterAt() {
  const clock = { at: 1_000_000 }
  return { clock, meter: createMeter(() => clock.at) }
}

test('a rate is that of the last seconds', () => {
  const { clock, meter } = meterAt()
  for (let turn = 0; turn < 100; turn++) {
    clock.at += 100
    meter.done(5)
  }
  expect(meter.rate(5)).toBeCloseTo(10, 0)
  clock.at += 10_000
  expect(meter.rate(5)).toBe(0)
})

test('nothing yet is a rate of nothing', () => {
  expect(meterAt().meter.rate(2)).toBe(0)
})

test('since a nearer moment, the time until then does not count', () => {
  const { clock, meter } = meterAt()
  meter.done(1)
  clock.at += 2000
  const since = clock.at
  clock.at += 1000
  meter.done(1)
  meter.done(1)
  expect(meter.rate(60, since)).toBe(2)
})

test('what was begun before a moment is left out', () => {
  const { clock, meter } = meterAt()
  const since = clock.at
  clock.at += 2000
  meter.done(1999)
  meter.done(2000)
  meter.done(2001)
  expect([meter.rate(4), meter.rateOfBegun(4, since)]).toEqual([0.75, 0.5])
  clock.at += 4001
  expect(meter.rateOfBegun(4, since)).toBe(0)
})

test('the slowest refusal is one since then', () => {
  const { clock, meter } = meterAt()
  meter.refused(9000)
  clock.at += 1000
  const since = clock.at
  expect(meter.slowestRefusal(since)).toBe(0)
  meter.refused(20)
  meter.refused(70)
  expect(meter.slowestRefusal(since)).toBe(70)
})

test('quantiles are those of values that were there', () => {
  const { clock, meter } = meterAt()
  expect(meter.quantile(0.99, 0)).toBe(0)
  for (let value = 1; value <= 100; value++) meter.done(value)
  expect([meter.quantile(0.5, clock.at), meter.quantile(0.99, clock.at), meter.quantile(1, clock.at)]).toEqual([50, 99, 100])
})

test('what is long ago is forgotten', () => {
  const { clock, meter } = meterAt()
  meter.done(77)
  clock.at += 301_000
  meter.done(1)
  expect(meter.quantile(1, 0)).toBe(1)
})
