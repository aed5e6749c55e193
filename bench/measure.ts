/** What one side did in one round. */
export interface Sample {
  /** What is compared: jobs per second, milliseconds, MiB. */
  readonly figure: number
  /** How much was done, in units that are the same on both sides. */
  readonly work: number
  readonly wallSeconds: number
  /** User and system, of all processes under test and of none that only asks them. */
  readonly processorSeconds: number
}

export type Side = () => Promise<Sample>

export interface Pair {
  readonly ours: Side
  /** Null where there is nothing to compare with: then the goal is one for the figure itself. */
  readonly theirs: Side | null
}

/** Shows that the measurement can fail: a handicap must make it miss its goal, and the same thing on both sides must come out as 1. */
export interface Control {
  readonly kind: 'handicap' | 'identical'
  readonly what: string
  readonly rounds: number
  readonly pair: Pair
}

/** One line of the table. */
export interface Measure {
  readonly name: string
  readonly what: string
  readonly unit: string
  readonly goal: number
  readonly better: '≥' | '≤'
  /** Rounds that are dropped, until everything is compiled and cached; 1 unless given. */
  readonly warmUps?: number
  /**
   * Parts of a round, in which the sides take turns as rounds do; 1 unless given. For machines whose speed changes within seconds, and for
   * figures that are work per second of wall time only, as the parts are put together from both.
   */
  readonly slices?: number
  readonly pair: Pair
  readonly control: Control
}

/** Measures that share their stores. What `open` puts on the stack is closed when all of them are done. */
export interface Row {
  readonly name: string
  /** Names of its measures. */
  readonly lines: readonly string[]
  open(stack: AsyncDisposableStack): Promise<readonly Measure[]>
}
