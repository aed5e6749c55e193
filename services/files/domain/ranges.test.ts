import { describe, expect, it } from 'vitest'
import { parseRange, rangeApplies } from './ranges.ts'

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', 10, { start: 0, end: 0 }],
    ['bytes=2-5', 10, { start: 2, end: 5 }],
    ['bytes=2-', 10, { start: 2, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-30', 10, { start: 0, end: 9 }],
    ['bytes=5-500', 10, { start: 5, end: 9 }],
    ['bytes=9-9', 10, { start: 9, end: 9 }],
    ['bytes=0-99999999999999999999999', 10, { start: 0, end: 9 }],
    [`bytes=-${'9'.repeat(400)}`, 10, { start: 0, end: 9 }],
    ['bytes=00000000004-0005', 10, { start: 4, end: 5 }],
    ['bytes=4294967296-4294967297', 5_000_000_000, { start: 4_294_967_296, end: 4_294_967_297 }],
    ['Bytes= 5-6 ', 10, { start: 5, end: 6 }],
  ])('%s of %d bytes', (header, size, range) => {
    expect(parseRange(header, size)).toEqual(range)
  })

  it.each([
    ['bytes=10-', 10],
    ['bytes=10-12', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=-1', 0],
    [`bytes=${'9'.repeat(40)}-`, 10],
  ])('%s of %d bytes cannot be satisfied', (header, size) => {
    expect(parseRange(header, size)).toBe('unsatisfiable')
  })

  it.each([undefined, '', 'bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=a-b', 'bytes=1.5-2', 'bytes 0-1'])(
    '%s is ignored',
    (header) => {
      expect(parseRange(header, 10)).toBeNull()
    },
  )
})

describe('rangeApplies', () => {
  it('wants the very same representation', () => {
    expect(rangeApplies(undefined, '"a"')).toBe(true)
    expect(rangeApplies('"a"', '"a"')).toBe(true)
    expect(rangeApplies('"b"', '"a"')).toBe(false)
    expect(rangeApplies('W/"a"', '"a"')).toBe(false)
    expect(rangeApplies('Wed, 21 Oct 2026 07:28:00 GMT', '"a"')).toBe(false)
  })
})
