import { loadavg } from 'node:os'
import type { Control, Measure, Pair, Sample } from './measure.ts'

export interface Round {
  readonly first: 'ours' | 'theirs'
  readonly ours: Sample
  readonly theirs: Sample | null
  /** Of the figures; the figure itself where there is nothing to compare with. */
  readonly ratio: number
  /** Work of ours per second of the processor to that of theirs: above 1 is good, whichever way the figure goes. */
  readonly processorRatio: number | null
}

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface Checked extends Spread {
  readonly kind: Control['kind']
  readonly what: string
  readonly rounds: readonly Round[]
  readonly caught: boolean
}

export interface Measured extends Spread {
  readonly what: string
  readonly unit: string
  readonly at: string
  readonly better: Measure['better']
  readonly goal: number
  /** Nobody knows when the control was not caught. */
  readonly outcome: 'met' | 'missed' | 'unknown'
  readonly processorRatio: number | null
  /** Of the last minute, before and after. */
  readonly load: { readonly before: number; readonly after: number }
  readonly rounds: readonly Round[]
  readonly control: Checked
}

/** The same thing on both sides has to come out between these. */
const identical = { least: 0.9, most: 1.1 }

export async function measure(row: Measure, rounds: number): Promise<Measured> {
  const before = load()
  const { what, unit, goal, better, pair, warmUps = 1 } = row
  await alternate(row, { pair, rounds: warmUps })
  const taken = await alternate(row, { pair, rounds })
  const spread = spreadOf(taken)
  const control = await check(row, spread.median)
  const processorRatios = taken.flatMap(({ processorRatio }) => processorRatio ?? [])
  return {
    what,
    unit,
    at: new Date().toISOString(),
    better,
    goal,
    ...spread,
    outcome: !control.caught ? 'unknown' : meets(row, spread.median) ? 'met' : 'missed',
    processorRatio: processorRatios.length > 0 ? median(processorRatios) : null,
    load: { before, after: load() },
    rounds: taken,
    control,
  }
}

async function check(row: Measure, ratio: number): Promise<Checked> {
  const { kind, what } = row.control
  const taken = await alternate(row, row.control)
  const spread = spreadOf(taken)
  const worse = row.better === '≥' ? spread.median < ratio : spread.median > ratio
  const caught =
    kind === 'identical'
      ? spread.median >= identical.least && spread.median <= identical.most
      : // Where the goal is missed anyway, missing it says nothing.
        !meets(row, spread.median) && worse
  return { kind, what, ...spread, rounds: taken, caught }
}

/** Nobody is always first: who comes second finds the caches warm and the disk busy. */
async function alternate({ slices = 1 }: Measure, { pair, rounds }: Pick<Control, 'pair' | 'rounds'>): Promise<Round[]> {
  const taken: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? 'ours' : 'theirs'
    const parts: { ours: Sample; theirs: Sample | null }[] = []
    for (let slice = 0; slice < slices; slice++) parts.push(await inOrder((round + slice) % 2 === 0 ? 'ours' : 'theirs', pair))
    const a = together(parts.map(({ ours }) => ours))
    const b = pair.theirs && together(parts.flatMap(({ theirs }) => theirs ?? []))
    taken.push({ first, ours: a, theirs: b, ratio: b ? a.figure / b.figure : a.figure, processorRatio: b && processorRatioOf(a, b) })
  }
  return taken
}

async function inOrder(first: Round['first'], { ours, theirs }: Pair): Promise<{ ours: Sample; theirs: Sample | null }> {
  if (first === 'ours') return { ours: await ours(), theirs: theirs && (await theirs()) }
  const other = theirs && (await theirs())
  return { ours: await ours(), theirs: other }
}

function together(parts: readonly Sample[]): Sample {
  const [only, ...more] = parts
  if (only && more.length === 0) return only
  const sum = (part: (sample: Sample) => number) => parts.reduce((total, sample) => total + part(sample), 0)
  const [work, wallSeconds] = [sum((sample) => sample.work), sum((sample) => sample.wallSeconds)]
  return { figure: work / wallSeconds, work, wallSeconds, processorSeconds: sum((sample) => sample.processorSeconds) }
}

/** Null where so little was used that the clock of the system, which counts hundredths, cannot tell. */
function processorRatioOf(ours: Sample, theirs: Sample): number | null {
  const [own, other] = [ours.work / ours.processorSeconds, theirs.work / theirs.processorSeconds]
  return Number.isFinite(own) && Number.isFinite(other) ? own / other : null
}

function spreadOf(rounds: readonly Round[]): Spread {
  const ratios = rounds.map(({ ratio }) => ratio)
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  if (lower === undefined || upper === undefined) throw new RangeError('no values')
  return (lower + upper) / 2
}

function meets({ better, goal }: Pick<Measure, 'better' | 'goal'>, ratio: number): boolean {
  return better === '≥' ? ratio >= goal : ratio <= goal
}

function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100
}
