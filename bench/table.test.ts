import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { mergeLines, readLatest } from './latest.ts'
import type { Measured } from './rounds.ts'
import { rows } from './rows.ts'
import { begin, end, tableOf, withTable } from './table.ts'

const sample = { figure: 100, work: 100, wallSeconds: 1, processorSeconds: 1 }
const round = { first: 'ours', ours: sample, theirs: sample, ratio: 1, processorRatio: 1 } as const

function lineOf(changes: Partial<Measured> = {}): Measured {
  return {
    what: 'ours vs theirs',
    unit: '/s',
    at: '2026-01-05T00:00:00.000Z',
    better: '≥',
    goal: 0.85,
    median: 0.9012,
    least: 0.8,
    most: 1.004,
    outcome: 'met',
    processorRatio: 0.777,
    load: { before: 0.1, after: 0.2 },
    rounds: [round],
    control: { kind: 'handicap', what: 'busy for 1 ms', rounds: [round], median: 0.1, least: 0.1, most: 0.1, caught: true },
    ...changes,
  }
}

describe('the table', () => {
  it('has a heading and a row for each line', () => {
    const text = tableOf({ one: lineOf(), two: lineOf({ what: 'something else' }) })
    expect(text.split('\n')).toHaveLength(4)
    expect(text).toContain('| ours vs theirs | ≥ 0.85 | 0.90 | 0.80 – 1.00 | met | 0.78 | busy for 1 ms: 0.10, caught |')
  })

  it('shouts about a control that was not caught', () => {
    const control = { ...lineOf().control, caught: false }
    expect(tableOf({ one: lineOf({ outcome: 'unknown', control }) })).toContain('| unknown | 0.78 | busy for 1 ms: 0.10, NOT CAUGHT |')
  })

  it('says of a control that both sides were the same', () => {
    const control = { ...lineOf().control, kind: 'identical' as const, median: 1.02 }
    expect(tableOf({ one: lineOf({ control }) })).toContain('the same on both sides: 1.02, caught')
  })

  it('gives figures with their unit where nothing is compared', () => {
    const line = lineOf({ unit: 'MiB', better: '≤', goal: 64, median: 41.4, least: 40, most: 43.6, processorRatio: null })
    const alone = { ...line, rounds: [{ ...round, theirs: null, processorRatio: null }] }
    expect(tableOf({ one: alone })).toContain('| ≤ 64 MiB | 41 MiB | 40 – 44 MiB | met | – |')
  })
})

describe('the page with the table', () => {
  it('keeps what stands around the markers', () => {
    expect(withTable(`before\n${begin}\nold\n${end}\nafter\n`, 'new')).toBe(`before\n${begin}\n\nnew\n\n${end}\nafter\n`)
  })

  it('is the same when it is written twice', () => {
    const once = withTable(`${begin}${end}`, 'table')
    expect(withTable(once, 'table')).toBe(once)
  })

  it.each(['', begin, end, `${end}${begin}`])('needs both markers in their order: %j', (text) => {
    expect(() => withTable(text, 'table')).toThrow('bench: begin')
  })

  it('shows the last run', () => {
    const latest = readLatest()
    const page = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8')
    expect(latest === null || withTable(page, tableOf(latest.lines)) === page).toBe(true)
  })
})

describe('lines of the last run', () => {
  const [old, new_] = [lineOf({ median: 1 }), lineOf({ median: 2 })]

  it('stay when only others were measured', () => {
    expect(mergeLines({ a: old, b: old }, { b: new_ }, ['a', 'b'])).toEqual({ a: old, b: new_ })
  })

  it('come in the order of the rows', () => {
    expect(Object.keys(mergeLines({ b: old }, { a: new_ }, ['a', 'b']))).toEqual(['a', 'b'])
  })

  it('go with their row', () => {
    expect(mergeLines({ gone: old }, {}, ['a'])).toEqual({})
  })
})

describe('the rows', () => {
  it('have names of their own', () => {
    const names = rows.flatMap(({ lines }) => lines)
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  })
})
