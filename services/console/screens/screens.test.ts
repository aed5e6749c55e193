import { describe, expect, test } from 'vitest'
import { previewKind } from './files/preview-kind.ts'
import { queryOf } from './jobs/filter.ts'
import { cropBetween, isUsable } from './menu/crop.ts'
import { amountText, minorUnits } from './menu/price.ts'

describe('what can be shown', () => {
  test.each([
    ['image/png', 'image'],
    ['image/svg+xml', 'none'],
    ['text/html', 'none'],
    ['video/mp4', 'video'],
    ['application/pdf', 'pdf'],
    ['text/plain; charset=utf-8', 'text'],
    ['application/zip', 'none'],
  ])('%s: %s', (contentType, kind) => {
    expect(previewKind({ contentType, size: 10 })).toBe(kind)
  })

  test('not what does not fit into memory', () => {
    expect(previewKind({ contentType: 'video/mp4', size: 2 ** 31 })).toBe('large')
  })
})

test.each([
  ['12', 'EUR', 1200],
  ['12,5', 'EUR', 1250],
  ['0.99', 'EUR', 99],
  ['1.005', 'EUR', null],
  ['1.005', 'KWD', 1005],
  ['1200', 'JPY', 1200],
  ['12.5', 'JPY', null],
  ['-1', 'EUR', null],
  ['free', 'EUR', null],
])('the price %s in %s is %s', (text, currency, amount) => {
  expect(minorUnits(text, currency)).toBe(amount)
})

test.each([
  [{ amount: 1250, currency: 'EUR' }, '12.50'],
  [{ amount: 1250, currency: 'JPY' }, '1250'],
  [{ amount: 1005, currency: 'KWD' }, '1.005'],
])('%j is written as %s, and read back', (price, text) => {
  expect(amountText(price)).toBe(text)
  expect(minorUnits(text, price.currency)).toBe(price.amount)
})

describe('a crop', () => {
  test('lies between two corners, in whatever order, inside the photo', () => {
    expect(cropBetween({ x: 0.8, y: -1 }, { x: 0.2, y: 0.5 })).toEqual({ x: 0.2, y: 0, width: expect.closeTo(0.6), height: 0.5 })
  })

  test('too small to hold a plate is of no use', () => {
    expect(isUsable({ x: 0.1, y: 0.1, width: 0.01, height: 0.5 })).toBe(false)
    expect(isUsable({ x: 0.5, y: 0.1, width: 0.6, height: 0.5 })).toBe(false)
    expect(isUsable({ x: 0, y: 0, width: 1, height: 1 })).toBe(true)
  })
})

test('a filter takes only states that there are', () => {
  expect(queryOf('q', 'dead')).toEqual({ queue: 'q', state: ['dead'] })
  expect(queryOf(undefined, 'nonsense')).toEqual({})
})
