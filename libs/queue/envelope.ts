import { z } from 'zod'

/** A job of the fast path and of a schedule: all there is of it. */
const fastJob = z.object({ payload: z.unknown() })
/** A durable job points to its row, which has the payload; `spent` attempts were made before Redis lost an earlier copy. */
const durableJob = z.object({ row: z.guid(), run: z.number().int(), spent: z.number().int() })

export type FastJob = z.infer<typeof fastJob>
export type DurableJob = z.infer<typeof durableJob>

export function readDurable(data: unknown): DurableJob | null {
  return durableJob.safeParse(data).data ?? null
}

export function readFast(data: unknown): unknown {
  return fastJob.safeParse(data).data?.payload
}

export function isDurableId(bullId: string): boolean {
  return /^[0-9a-f-]{36}\.\d+$/.test(bullId)
}

/** Of the BullMQ job; another run of the same row is another job, so what Redis still keeps of the last one cannot swallow it. */
export function durableId(row: string, run: number): string {
  return `${row}.${run}`
}
