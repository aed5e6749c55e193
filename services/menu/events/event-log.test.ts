import { describe, expect, it } from 'vitest'
import { earlier, isEventId } from './event-log.ts'

describe('ids of events', () => {
  it.each(['', '-', '1', '1-', '-1', '1-1-1', 'a-b', '1-0\n', '1-0 ', '1.5-0', '+1-0', '9'.repeat(16) + '-0', '1-' + '9'.repeat(11)])(
    'are not like %j',
    (id) => expect(isEventId(id)).toBe(false),
  )

  it('follow each other by time, then by count, as numbers', () => {
    expect(isEventId('1795282113091-12')).toBe(true)
    for (const [one, other] of [
      ['9-0', '10-0'],
      ['10-2', '10-11'],
      ['0-0', '0-1'],
    ] as const) {
      expect([earlier(one, other), earlier(other, one), earlier(one, one)]).toEqual([one, one, one])
    }
  })
})
