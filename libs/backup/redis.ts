import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'

export interface ForgetOptions {
  readonly url: string
  readonly caFile: string | null
  /** Begins every key of the installation. */
  readonly keyPrefix: string
  readonly databases: readonly number[]
}

/**
 * Removes all that Redis knows of this installation. After a restore it speaks of rows that are no more: jobs would run that nobody asked
 * for, caches would show what is gone. What is owed stands in Postgres, from which the workers make jobs and schedules anew.
 * @returns how many keys went
 */
export async function forgetEverything({ url, caFile, keyPrefix, databases }: ForgetOptions): Promise<number> {
  let removed = 0
  for (const db of databases) {
    const tls = caFile ? { tls: { ca: readFileSync(caFile, 'utf8') } } : {}
    const client = new Redis(url, { db, lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null, ...tls })
    client.on('error', () => undefined)
    try {
      await client.connect()
      for (const pattern of [`${escaped(keyPrefix)}:*`, `{${escaped(keyPrefix)}:*`]) removed += await removeKeys(client, pattern)
    } finally {
      client.disconnect()
    }
  }
  return removed
}

async function removeKeys(client: Redis, match: string): Promise<number> {
  let removed = 0
  for await (const keys of client.scanStream({ match, count: 1000 }) as AsyncIterable<string[]>) {
    if (keys.length > 0) removed += await client.unlink(...keys)
  }
  return removed
}

/** In patterns of Redis these have a meaning. */
function escaped(text: string): string {
  return text.replaceAll(/[*?[\]\\^]/g, String.raw`\$&`)
}
