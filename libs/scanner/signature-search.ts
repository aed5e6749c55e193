import type { ByteCursor } from './byte-cursor.ts'
import { damaged } from './refusal.ts'

export interface Search {
  /** Where to stop, in front of it. */
  stop: readonly Buffer[]
  /** What must not come before. */
  forbidden: readonly Buffer[]
}

/** The longest signature that is looked for has ten bytes: so many bytes at the end of a chunk may be its beginning. */
const overlap = 9

/**
 * Skips bytes until one of the signatures of `stop`, or to the end.
 * @throws {Refusal} when a forbidden one comes first
 */
export async function quietUntil(cursor: ByteCursor, { stop, forbidden }: Search): Promise<boolean> {
  for (;;) {
    const bytes = await cursor.peek(65_536)
    const stopAt = first(bytes, stop)
    const forbiddenAt = first(bytes, forbidden)
    if (forbiddenAt < stopAt) throw damaged('a member is hidden in it')
    if (stopAt < Number.POSITIVE_INFINITY) {
      cursor.advance(stopAt)
      return true
    }
    if (bytes.length <= overlap) {
      cursor.advance(bytes.length)
      return false
    }
    cursor.advance(bytes.length - overlap)
  }
}

function first(bytes: Buffer, signatures: readonly Buffer[]): number {
  const found = signatures.map((signature) => bytes.indexOf(signature)).filter((at) => at >= 0)
  return Math.min(Number.POSITIVE_INFINITY, ...found)
}
