import { type FaultId, faults } from './faults.ts'

export interface Finding {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  /** What is wrong, by the name that it has in `faults`; null when nothing is. */
  readonly fault: FaultId | null
  /** What was found, with the value. */
  readonly what: string
  /** What comes of it. */
  readonly why?: string
  readonly fix?: string
}

export type Outcome = Omit<Finding, 'name'>

/** Parts whose connection may fail in the same ways. */
export type Part = 'postgres' | 'redis' | 'storage' | 'clamd' | 'identity'

export interface Check {
  readonly name: string
  /** Throwing is a finding too. */
  readonly run: () => Promise<Outcome>
  /** Whose connection it is that may fail. */
  readonly part?: Part
  /** What makes no sense to look at before this has not failed. */
  readonly next?: readonly Check[]
}

export function well(what: string): Outcome {
  return { level: 'ok', fault: null, what }
}

/** A finding by its name, which brings its level, why it matters and what to do; where that depends on what was found it is given here. */
export function fault(id: FaultId, what: string, own: Partial<Pick<Outcome, 'level' | 'fix'>> = {}): Outcome {
  const { level, why, fix } = faults[id]
  return { level, fault: id, what, why, fix, ...own }
}
