import { describe, expect, test } from 'vitest'
import { previewKind } from './files/preview-kind.ts'
import { queryOf } from './jobs/filter.ts'
import { cropBetween, isUsable } from './menu/crop.ts'
import { minorUnits } from './menu/price.ts'

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
  ['12', 1200],
  ['12,5', 1250],
  ['0.99', 99],
  ['1.005', null],
  ['-1', null],
  ['free', null],
])('the price %s is %s', (text, amount) => {
  expect(minorUnits(text)).toBe(amount)
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
