import { createSlots } from '@slipway/scanner'
import type { Crowd } from './crowd.ts'

/** S3 takes parts from 5 MiB and at most 10,000 of them: 8 MiB reach 78 GiB. */
export const partBytes = 8 * 1_048_576

/** Bounds what all uploads of a process have in memory, whatever the pace of clamd and the store: 64 MiB. */
const most = 8
/** What stays in memory when nothing is uploaded. */
const kept = 4
/** How long an upload waits for memory: as long as others make progress, or make room, it comes sooner. */
const waitSeconds = 60

export interface Part {
  readonly bytes: Buffer
  /** `reuse` only when nothing reads it any more: a request that was given up may still be. */
  release(options: { reuse: boolean }): void
}

/** Memory for parts. It is used again, because left to the garbage collector it piles up faster than it is collected. */
export interface PartPool {
  /** Waits for its turn; `owner` is the tenant. Whoever has a part may not wait for a second one. */
  take(options: { signal: AbortSignal; owner: string }): Promise<Part>
  /** For a second one: whether there is one without waiting. */
  readonly hasSpare: boolean
}

export function createPartPool(crowd: Crowd): PartPool {
  const slots = createSlots(most, waitSeconds)
  const free: Buffer[] = []
  return {
    async take({ signal, owner }) {
      const leave = await crowd.wait({ what: 'part', owner }, slots.acquire(signal, owner))
      const bytes = free.pop() ?? Buffer.allocUnsafeSlow(partBytes)
      return {
        bytes,
        release({ reuse }) {
          if (reuse && free.length < kept) free.push(bytes)
          leave()
        },
      }
    },
    get hasSpare() {
      return slots.busy < most
    },
  }
}
