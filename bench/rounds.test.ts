import { describe, expect, it } from 'vitest'
import type { Control, Measure, Sample, Side } from './measure.ts'
import { measure, median } from './rounds.ts'

const sample = (figure: number, changes: Partial<Sample> = {}): Sample => ({
  figure,
  work: 100,
  wallSeconds: 1,
  processorSeconds: 1,
  ...changes,
})

/** Gives its figures in turn, and writes its name down each time. */
function side(name: string, figures: readonly number[], calls: string[] = []): Side {
  let at = 0
  return async () => {
    calls.push(name)
    return sample(figures[at++ % figures.length] ?? Number.NaN)
  }
}

const slow: Control = {
  kind: 'handicap',
  what: 'ten times slower',
  rounds: 1,
  pair: { ours: side('ours', [10]), theirs: side('theirs', [100]) },
}

function measureOf(changes: Partial<Measure> = {}): Measure {
  const pair = { ours: side('ours', [90]), theirs: side('theirs', [100]) }
  return { name: 'row', what: 'ours vs theirs', unit: '/s', goal: 0.85, better: '≥', warmUps: 0, pair, control: slow, ...changes }
}

describe('the rounds of a measure', () => {
  it('alternate who is first', async () => {
    const calls: string[] = []
    const pair = { ours: side('ours', [90], calls), theirs: side('theirs', [100], calls) }
    const { rounds } = await measure(measureOf({ pair }), 3)
    expect(calls).toEqual(['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs'])
    expect(rounds.map(({ first }) => first)).toEqual(['ours', 'theirs', 'ours'])
  })

  it('are compared one by one: the machine is not the same all the time', async () => {
    const pair = { ours: side('ours', [90, 9, 900]), theirs: side('theirs', [100, 10, 900]) }
    const { rounds, median, least, most } = await measure(measureOf({ pair }), 3)
    expect(rounds.map(({ ratio }) => ratio)).toEqual([0.9, 0.9, 1])
    expect({ median, least, most }).toEqual({ median: 0.9, least: 0.9, most: 1 })
  })

  it('keep both raw figures, and who was first', async () => {
    const { rounds } = await measure(measureOf(), 1)
    expect(rounds[0]).toMatchObject({ first: 'ours', ours: sample(90), theirs: sample(100) })
  })

  it('drop those that warm up', async () => {
    const pair = { ours: side('ours', [1, 90, 90]), theirs: side('theirs', [100]) }
    const { least, rounds } = await measure(measureOf({ pair, warmUps: 1 }), 2)
    expect(least).toBe(0.9)
    expect(rounds).toHaveLength(2)
  })

  it('stand alone where there is nothing to compare with', async () => {
    const control = { ...slow, pair: { ours: side('ours', [500]), theirs: null } }
    const pair = { ours: side('ours', [40, 50, 30]), theirs: null }
    const line = await measure(measureOf({ pair, control, goal: 64, better: '≤' }), 3)
    expect(line).toMatchObject({ median: 40, least: 30, most: 50, outcome: 'met', processorRatio: null })
  })

  it('can have parts, in which the sides take turns too, and which count by the work and the time of them all', async () => {
    const calls: string[] = []
    const partsOf = (name: string, works: readonly number[]): Side => {
      let at = 0
      return async () => {
        calls.push(name)
        return sample(Number.NaN, { work: works[at++] ?? Number.NaN, wallSeconds: 2, processorSeconds: 3 })
      }
    }
    const pair = { ours: partsOf('ours', [10, 110]), theirs: partsOf('theirs', [40, 200]) }
    const line = await measure(measureOf({ pair, slices: 2 }), 1)
    expect(calls).toEqual(['ours', 'theirs', 'theirs', 'ours'])
    expect(line.rounds).toMatchObject([
      { ours: { figure: 30, work: 120, wallSeconds: 4, processorSeconds: 6 }, theirs: { figure: 60 }, ratio: 0.5 },
    ])
  })

  it('begin by turns, whatever their number of parts', async () => {
    const calls: string[] = []
    const rate =
      (name: string): Side =>
      async () => {
        calls.push(name)
        return sample(1)
      }
    await measure(measureOf({ pair: { ours: rate('ours'), theirs: rate('theirs') }, slices: 3 }), 2)
    expect([calls.slice(0, 2), calls.slice(6, 8)]).toEqual([
      ['ours', 'theirs'],
      ['theirs', 'ours'],
    ])
  })

  it('fail when a side does', async () => {
    const pair = { ours: side('ours', [90]), theirs: () => Promise.reject(new Error('no answer')) }
    await expect(measure(measureOf({ pair }), 1)).rejects.toThrow('no answer')
  })
})

describe('the goal', () => {
  it.each([
    ['≥', 0.9, 'met'],
    ['≥', 0.91, 'missed'],
    ['≤', 0.9, 'met'],
    ['≤', 0.89, 'missed'],
  ] as const)('%s %d of 0.9 is %s', async (better, goal, outcome) => {
    const control = { ...slow, pair: { ours: side('ours', [better === '≥' ? 10 : 1000]), theirs: side('theirs', [100]) } }
    expect((await measure(measureOf({ better, goal, control }), 1)).outcome).toBe(outcome)
  })

  it('is compared with the median and not with the best', async () => {
    const pair = { ours: side('ours', [50, 99, 50]), theirs: side('theirs', [100]) }
    expect((await measure(measureOf({ pair }), 3)).outcome).toBe('missed')
  })
})

describe('seconds of the processor', () => {
  it('count by the work that was done with them', async () => {
    const ours = async () => sample(90, { work: 50, processorSeconds: 1 })
    const theirs = async () => sample(100, { work: 200, processorSeconds: 2 })
    expect((await measure(measureOf({ pair: { ours, theirs } }), 1)).processorRatio).toBe(0.5)
  })

  it('say nothing where there were too few', async () => {
    const pair = { ours: async () => sample(90, { processorSeconds: 0 }), theirs: side('theirs', [100]) }
    expect((await measure(measureOf({ pair }), 1)).processorRatio).toBeNull()
  })
})

describe('a control', () => {
  const controlled = async (control: Partial<Control>, changes: Partial<Measure> = {}) => {
    const { outcome, control: checked } = await measure(measureOf({ ...changes, control: { ...slow, ...control } }), 1)
    return { outcome, caught: checked.caught }
  }

  it('is caught when its handicap misses the goal', async () => {
    expect(await controlled({})).toEqual({ outcome: 'met', caught: true })
  })

  it('leaves the outcome unknown when its handicap meets the goal', async () => {
    const pair = { ours: side('ours', [86]), theirs: side('theirs', [100]) }
    expect(await controlled({ pair })).toEqual({ outcome: 'unknown', caught: false })
  })

  it('is not caught by a goal that is missed anyway', async () => {
    const missed = { ours: side('ours', [50]), theirs: side('theirs', [100]) }
    const noEffect = { ours: side('ours', [51]), theirs: side('theirs', [100]) }
    expect(await controlled({ pair: noEffect }, { pair: missed })).toEqual({ outcome: 'unknown', caught: false })
    const effect = { ours: side('ours', [20]), theirs: side('theirs', [100]) }
    expect(await controlled({ pair: effect }, { pair: missed })).toEqual({ outcome: 'missed', caught: true })
  })

  it.each([
    [100, true],
    [91, true],
    [109, true],
    [88, false],
    [112, false],
  ])('with the same on both sides and %d of 100 is caught: %s', async (figure, caught) => {
    const pair = { ours: side('ours', [figure]), theirs: side('theirs', [100]) }
    expect((await controlled({ kind: 'identical', pair })).caught).toBe(caught)
  })

  it('alternates as well', async () => {
    const calls: string[] = []
    const pair = { ours: side('ours', [10], calls), theirs: side('theirs', [100], calls) }
    await controlled({ rounds: 2, pair })
    expect(calls).toEqual(['ours', 'theirs', 'theirs', 'ours'])
  })
})

describe('median', () => {
  it('lies in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
  })

  it('of nothing is an error', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})
