import { migrations } from '@slipway/queue'
import { type RedisPart, startRedis } from '@slipway/stack'
import { Redis } from 'ioredis'
import { type Child, startChild } from '../child.ts'
import { openHome } from './home.ts'
import { openDatabase } from './postgres.ts'
import type { QueueSettings } from './queue.child.ts'

export interface Queues {
  readonly ours: Child
  readonly theirs: Child
  readonly redis: RedisPart
  readonly postgres: number
  /** Nothing of the last batch is left for the next one to carry along. */
  empty(): Promise<void>
}

/** A Redis that writes every command to disk before it answers, a Postgres for our intents, and a process for each side. */
export async function openQueues(stack: AsyncDisposableStack): Promise<Queues> {
  const redis = stack.use(await startRedis({ home: await openHome(stack), appendOnly: true }))
  const client = new Redis(redis.url, { db: 3 })
  stack.defer(() => client.disconnect())
  await client.config('SET', 'appendfsync', 'always')
  const folder = new URL('./migrations/queue/', import.meta.url)
  const database = await openDatabase(stack, { folder, libraries: [migrations] })
  const start = async (kind: QueueSettings['kind']) => {
    const child = stack.use(await startChild(new URL('queue.child.ts', import.meta.url)))
    await child.ask({ kind, redisUrl: redis.url, databaseUrl: database.url('system') } satisfies QueueSettings)
    return child
  }
  return {
    ours: await start('envelope'),
    theirs: await start('bare'),
    redis,
    postgres: database.part.pid,
    async empty() {
      await client.flushdb()
    },
  }
}
