import type { Reason } from './verdict.ts'

/** Why the look into an archive ended: something in it clamd cannot have seen, or nobody can tell. */
export class Refusal extends Error {
  readonly reason: Reason

  constructor(reason: Reason, message: string) {
    super(message)
    this.name = 'Refusal'
    this.reason = reason
  }
}

/** The archive is not what its headers say: readers would disagree about what is in it, and clamd is one of them. */
export function damaged(message: string): Refusal {
  return new Refusal('archive-member', message)
}
