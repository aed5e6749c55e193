import type { Database } from '@slipway/db'
import { sql } from 'drizzle-orm'
import { files } from '../schema.ts'
import { contentId } from './object.ts'

/**
 * How often content is given out: what is read most is looked at first when the signatures move. Counted here and written in batches, so
 * that a read costs no write. A crash loses what was counted since the last batch, which only makes the order a little worse.
 */
export interface ReadCounter extends AsyncDisposable {
  /** By the id of the content. */
  count(contentId: string): void
  flush(): Promise<void>
}

const flushMilliseconds = 15_000
/** Files of one batch. Beyond it reads are not counted until the batch is written. */
const batchFiles = 10_000

interface Parts {
  system: Database
  now: () => number
  onError: (error: unknown) => void
}

export function createReadCounter({ system, now, onError }: Parts): ReadCounter {
  let counted = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const batch = counted
    counted = new Map()
    if (batch.size > 0) await write(system, batch, new Date(now())).catch(onError)
  }

  return {
    count(id) {
      const before = counted.get(id)
      if (before === undefined && counted.size >= batchFiles) return
      counted.set(id, (before ?? 0) + 1)
      timer ??= setTimeout(() => void flush(), flushMilliseconds).unref()
    },
    flush,
    [Symbol.asyncDispose]: flush,
  }
}

/** Passes over rows that somebody changes just now: nobody shall wait for a count, and two processes not for each other. */
async function write(system: Database, batch: ReadonlyMap<string, number>, at: Date): Promise<void> {
  await system.transaction((tx) =>
    tx.execute(sql`
      with counted as (
        select * from unnest(${sql.param([...batch.keys()])}::uuid[], ${sql.param([...batch.values()])}::bigint[]) as counted (id, reads)
      ), free as (
        select ${files.id}, counted.reads from ${files} join counted on counted.id = ${contentId}
        order by ${files.id} for no key update of files skip locked
      )
      update ${files} set
        reads = files.reads + free.reads,
        read_rank = floor(ln(files.reads + free.reads + 1) / ln(2)),
        read_at = ${at.toISOString()}
      from free where ${files.id} = free.id`),
  )
}
