/** What may never happen, by name. */
export const rules = {
  'server-error': 'a 5xx other than 503',
  'no-retry-after': 'a 503 or 429 without Retry-After',
  'slow-answer': 'an answer after more than 30 s',
  'slow-refusal': 'a 503 later than the fault explains',
  'broken-connection': 'a connection that broke while nothing was killed that could have held it',
  'unexpected-answer': 'an answer that the request does not deserve',
  'wrong-bytes': 'content that is not what was uploaded',
  'infected-accepted': 'infected content that was accepted, or could be read',
  'unscanned-readable': 'an object in the readable bucket that is not clean content of this run',
  lost: 'what was acknowledged is not there in the end',
  doubled: 'two files of one Idempotency-Key',
  'not-settled': 'a request or a pending file that came to no end',
  'left-over': 'rows without objects, objects without rows, or open uploads after the sweep',
  'ended-by-itself': 'a process that ended without being killed',
  outage: 'requests that were not answered during a fault that leaves what they need',
  'no-effect': 'a fault that did not come about as it should',
  'left-out': 'a fault that this machine cannot bring about',
  recovery: 'not back to 95 % of the former rate within 15 s',
} as const

export type Rule = keyof typeof rules

/** What a busy or a poor machine brings about by itself: marks for a run that has a machine of its own, not for one among other tests. */
const rulesOfMachine: readonly Rule[] = ['slow-answer', 'slow-refusal', 'recovery', 'outage', 'no-effect', 'left-out']

export interface Violation {
  readonly rule: Rule
  /** What was going on. */
  readonly during: string
  readonly what: string
}

/** `changing` = somebody is overwriting or rescanning it, and it is clean before and after. */
export type FileState = 'sent' | 'pending' | 'clean' | 'changing' | 'refused' | 'leaving' | 'trashed' | 'purged'

/** One upload and what became of it. */
export interface Entry {
  readonly name: string
  sha256: string
  size: number
  /** Digests of what was overwritten, the oldest first. */
  readonly earlier: string[]
  readonly isInfected: boolean
  state: FileState
  /** Of the file, or of its record in quarantine. */
  id?: string
  /** How often it was sent. */
  attempts: number
}

/** Kept by name at most; all are counted. */
const kept = 200

/** Every upload of a run, and everything that should not have happened. */
export class Ledger {
  readonly entries: Entry[] = []
  readonly violations: Violation[] = []
  readonly #counts = new Map<string, number>()
  readonly #clean = new Set<string>()
  #late = 0
  /** What goes on now, for violations. */
  during = 'the start'

  open(entry: Omit<Entry, 'state' | 'attempts' | 'earlier'>): Entry {
    const opened: Entry = { ...entry, earlier: [], state: 'sent', attempts: 0 }
    this.entries.push(opened)
    if (!entry.isInfected) this.knowClean(entry.sha256)
    return opened
  }

  /** From now on content of this digest may be readable. */
  knowClean(sha256: string): void {
    this.#clean.add(sha256)
  }

  /** Whether the load has made clean content of this digest. */
  isClean(sha256: string): boolean {
    return this.#clean.has(sha256)
  }

  violate(rule: Rule, what: string): void {
    const { during } = this
    this.#counts.set(during, this.violationsDuring(during) + 1)
    if (rulesOfMachine.includes(rule)) this.#late++
    if (this.violations.length < kept) this.violations.push({ rule, during, what })
  }

  violationsDuring(during: string): number {
    return this.#counts.get(during) ?? 0
  }

  get violationCount(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Of the violations, those that may tell of the machine only: something came too late, or did not come about. */
  get lateCount(): number {
    return this.#late
  }

  inState(...states: readonly FileState[]): Entry[] {
    return this.entries.filter((entry) => states.includes(entry.state))
  }
}
