import { buffer } from 'node:stream/consumers'
import { files } from '@slipway/files'
import { isProblem } from '@slipway/problem'
import { createStorage, reconcile, type Storage, type StorageOptions } from '@slipway/storage'
import { pause } from '../supervisor/poll.ts'
import { CallFailure, call, jsonOf } from './call.ts'
import { sha256Of } from './content.ts'
import type { Client } from './insist.ts'
import type { FileBody } from './operations.ts'

/** Looks all the time for what must not be readable, past everything that may fail. */
export interface Probe {
  /** Objects that it has read and found to be clean content. */
  readonly read: number
  /** How often it has listed the objects, and how often it has asked the API. */
  readonly rounds: { readonly objects: number; readonly api: number }
  /** Between two looks at the objects; what came and went in between was not seen. */
  readonly longestGapMilliseconds: number
  stop(): Promise<void>
}

export const [readableBucket = 'files'] = files.buckets
/** Looking is to take a quarter of the time at most, beside reading once what is new. */
const rest = 3
const leastRest = 250
const askedAtOnce = 20

export function startProbe(client: Client, options: StorageOptions): Probe {
  const stopping = new AbortController()
  const storage = createStorage(options)
  const seen = new Set<string>()
  const rounds = { objects: 0, api: 0 }
  let lookedAt = performance.now()
  let longestGapMilliseconds = 0
  const signal = AbortSignal.any([stopping.signal, client.signal])

  async function lookAtObjects(): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now()
      longestGapMilliseconds = Math.max(longestGapMilliseconds, began - lookedAt)
      lookedAt = began
      // A store that has too much to do is asked again; at last it has to answer.
      const listing = await look(client, storage, seen).catch((error: unknown) => {
        if (!isProblem(error, 'storage.unavailable')) throw error
        return performance.now() - began
      })
      rounds.objects++
      await pause(Math.max(leastRest, listing * rest), signal).catch(() => undefined)
    }
    if (!client.signal.aborted) await look(client, storage, seen)
  }

  async function askApi(): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now()
      await askForUnscanned(client, rounds.api)
      rounds.api++
      await pause(Math.max(leastRest, (performance.now() - began) * rest), signal).catch(() => undefined)
    }
  }

  const running = Promise.all([lookAtObjects(), askApi()])
  // Told by `stop`.
  running.catch(() => undefined)
  return {
    get read() {
      return seen.size
    },
    rounds,
    get longestGapMilliseconds() {
      return longestGapMilliseconds
    },
    async stop() {
      stopping.abort()
      await running
      await storage[Symbol.asyncDispose]()
    },
  }
}

/** Reads what it has not read before, at the store itself. @returns milliseconds that the list took */
async function look({ ledger }: Client, storage: Storage, seen: Set<string>): Promise<number> {
  const began = performance.now()
  const keys = await keysOf(storage, readableBucket)
  const listing = performance.now() - began
  for (const key of keys) {
    if (seen.has(key)) continue
    const bytes = await contentOf(storage, key)
    if (bytes === null) continue
    seen.add(key)
    if (!ledger.isClean(sha256Of(bytes))) ledger.violate('unscanned-readable', `${key} (${bytes.length} bytes)`)
  }
  return listing
}

/** All keys of a bucket: a comparison with no rows, in which each key is asked for and taken for known. */
export async function keysOf(storage: Storage, bucket: string): Promise<string[]> {
  const keys: string[] = []
  const rows = {
    bucket,
    async *expected() {},
    async known(asked: string[]) {
      keys.push(...asked)
      return new Set(asked)
    },
  }
  await reconcile(storage, rows, { olderThan: new Date(Date.now() + 86_400_000), repair: false })
  return keys
}

/** Null when it was removed meanwhile. */
export async function contentOf(storage: Storage, key: string): Promise<Buffer | null> {
  const head = await storage.head({ bucket: readableBucket, key })
  if (!head) return null
  try {
    return await buffer((await storage.read({ bucket: readableBucket, key })).stream)
  } catch (error) {
    if ((await storage.head({ bucket: readableBucket, key })) === undefined) return null
    throw error
  }
}

/** What is refused or not scanned yet has to stay unreadable by the API as well. */
async function askForUnscanned(client: Client, round: number): Promise<void> {
  const unscanned = client.ledger.inState('pending', 'refused').filter((entry) => entry.id !== undefined)
  const from = unscanned.length > askedAtOnce ? (round * askedAtOnce) % unscanned.length : 0
  for (const { id, isInfected, name } of unscanned.slice(from, from + askedAtOnce)) {
    const content = await ask(client, `/api/v1/files/${id}/content`)
    if (content?.status !== 200) continue
    // It may have been found clean meanwhile, and even be gone again.
    const file = await ask(client, `/api/v1/files/${id}`)
    const isUnscanned = file?.status === 200 && jsonOf<FileBody>(file).verdict !== 'clean'
    if (isInfected || isUnscanned || !client.ledger.isClean(sha256Of(content.body)))
      client.ledger.violate('infected-accepted', `content of ${name} could be read`)
  }
}

/** Once, whatever happens: the load looks after failures. */
async function ask({ port, apiKey }: Client, path: string) {
  try {
    return await call({ port, method: 'GET', path, headers: { authorization: `Bearer ${apiKey}` } })
  } catch (error) {
    if (error instanceof CallFailure) return null
    throw error
  }
}
