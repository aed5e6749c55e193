import { describe, expect, it } from 'vitest'
import { durableId, isDurableId, readDurable, readFast } from './envelope.ts'
import { readHint } from './hints.ts'
import { isStorable } from './ledger.ts'
import { asError, describeError } from './run.ts'

describe('what can be thrown', () => {
  class Odd extends Error {
    constructor(message: unknown) {
      super()
      Object.assign(this, { message })
    }
  }

  it.each<[string, unknown, string | RegExp]>([
    ['an error', new Error('boom'), 'boom'],
    ['an error without a word', new Error(), 'no reason given'],
    ['a text', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an object', { code: 7 }, /code: 7/],
    ['an object without a prototype, which has no text of its own', Object.create(null), /Object/],
    ['a symbol', Symbol('boom'), 'Symbol(boom)'],
    ['an error whose message is a number', new Odd(42), '42'],
    ['an error whose message is an object', new Odd({ code: 7 }), /code: 7/],
    ['NUL, which Postgres has not', new Error('a\0b'), 'a\ufffdb'],
  ])('%s has a reason', (_name, thrown, reason) => {
    expect(describeError(thrown).reason).toEqual(reason instanceof RegExp ? expect.stringMatching(reason) : reason)
    expect(asError(thrown)).toBeInstanceOf(Error)
  })

  it('a novel is cut, and so is its stack', () => {
    const endless = new Error('x'.repeat(100_000))
    endless.stack = 'at\n'.repeat(1000)
    const { reason, stack } = describeError(endless)
    expect([reason.length, stack?.split('\n').length]).toEqual([2000, 12])
  })
})

describe('what Postgres can store', () => {
  it.each<[unknown, boolean]>([
    ['text', true],
    ['😀', true],
    ['a\0b', false],
    ['half \ud83d', false],
    [{ 'a\0b': 1 }, false],
    [{ list: ['\udfff'] }, false],
    // A text that speaks of escapes has none.
    ['\\u0000', true],
    ['\\\\u0000', true],
    ['C:\\users', true],
    ['\\\0', false],
    ['\\\\\ud800', false],
    ['\0\0', false],
  ])('%j: %s', (value, storable) => {
    expect(isStorable(JSON.stringify(value))).toBe(storable)
  })
})

describe('what a job of Redis is', () => {
  const row = '018f0000-0000-7000-8000-00000000000a'

  it('durable, with a row, a run and what was spent', () => {
    expect(readDurable({ row, run: 2, spent: 1 })).toEqual({ row, run: 2, spent: 1 })
  })

  it.each([null, undefined, 'text', {}, { row }, { row: 'x', run: 1, spent: 0 }, { row, run: 1.5, spent: 0 }, { row, run: '1', spent: 0 }])(
    'not durable: %j',
    (data) => {
      expect(readDurable(data)).toBeNull()
    },
  )

  it('of the fast path, whose payload nobody has looked at yet', () => {
    expect(readFast({ payload: { any: 'thing' } })).toEqual({ any: 'thing' })
    for (const data of [null, undefined, 'text', {}]) expect(readFast(data)).toBeUndefined()
  })

  it.each([
    [durableId(row, 1), true],
    [durableId(row, 12), true],
    [row, false],
    [`repeat:nightly:1`, false],
    [`${row}.`, false],
    [`x${row}.1`, false],
  ])('by its id: %s is durable: %s', (id, durable) => {
    expect(isDurableId(id)).toBe(durable)
  })
})

describe('a hint', () => {
  it.each([
    ['{"wake":"probe"}', { wake: 'probe' }],
    ['{"cancel":"a"}', { cancel: 'a' }],
    ['{"wake":7}', null],
    ['{}', null],
    ['null', null],
    ['no json', null],
    ['', null],
  ])('%s', (message, hint) => {
    expect(readHint(message)).toEqual(hint)
  })
})
