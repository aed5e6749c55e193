import { randomInt } from 'node:crypto'
import { pause } from '../supervisor/poll.ts'
import { overwrite, rescan } from './changes.ts'
import { type Content, cleanArchive, cleanContent, infectedContent, partedSize, smallSize } from './content.ts'
import type { Client } from './insist.ts'
import type { Entry } from './ledger.ts'
import { read, remove, settled, upload } from './operations.ts'
import { uploadInPieces } from './resumable.ts'
import { syncBytes } from './world.ts'

/** What many clients do, at a pace that does not wait for answers. */
export interface Load {
  /** Requests per second that are due. */
  readonly pace: number
  /** Due requests that were not sent, as too many others had no answer yet. */
  readonly held: number
  readonly underWay: number
  /** No new requests; resolves when those under way have come to their ends, rejects when the load itself was at fault. */
  stop(): Promise<void>
}

/** Every twentieth is above FILES_SYNC_BYTES and answered before its verdict; every two-hundredth has several parts. */
const largeSize = syncBytes + 100_000
const lanes = 8
const least = 4
const most = 40

/** Half of what a few lanes bring about without a pause, once processes are warm: what the machine carries at the moment. */
export async function measurePace(client: Client, seconds: number): Promise<number> {
  const from = performance.now() + seconds * 1000
  const until = from + seconds * 1000
  let turn = 0
  let counted = 0
  const lane = async () => {
    while (performance.now() < until) {
      await operate(client, turn++)
      if (performance.now() >= from) counted++
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return Math.min(most, Math.max(least, Math.round(counted / seconds / 2)))
}

export function startLoad(client: Client, pace: number): Load {
  const stopping = new AbortController()
  const underWay = new Set<Promise<void>>()
  const limit = Math.max(64, pace * 8)
  let held = 0
  let turn = 0
  let fault: Error | undefined
  const signal = AbortSignal.any([stopping.signal, client.signal])
  const failed = (error: Error) => void (fault ??= error)

  async function run(): Promise<void> {
    const began = performance.now()
    for (let due = began; !signal.aborted; due += 1000 / pace) {
      await pause(Math.max(0, due - performance.now()), signal).catch(() => undefined)
      if (signal.aborted) return
      if (underWay.size >= limit) held++
      else begin()
    }
  }

  function begin(): void {
    const operation = operate(client, turn++)
      .catch(failed)
      .finally(() => underWay.delete(operation))
    underWay.add(operation)
  }

  const running = Promise.all([run(), watchPending(client, signal).catch(failed)])
  return {
    pace,
    get held() {
      return held
    },
    get underWay() {
      return underWay.size
    },
    async stop() {
      stopping.abort()
      await running
      await Promise.all(underWay)
      if (fault) throw fault
    },
  }
}

/**
 * Of twenty in turn: eight uploads, one of them an archive; one in pieces; two infected; six reads, two deletions, and an overwrite or a
 * rescan where there is a file for it.
 */
async function operate(client: Client, turn: number): Promise<void> {
  const began = client.meter.now()
  await operation(client, turn)
  client.meter.done(client.meter.now() - began)
}

function operation(client: Client, turn: number): Promise<void> {
  const place = turn % 20
  const round = Math.floor(turn / 20)
  if (place === 3 || place === 13) return upload(client, infectedContent(Math.floor(turn / 10), largeSize))
  if (place === 2) return uploadInPieces(client, inPieces(round))
  if (place === 6) return upload(client, cleanArchive())
  const entry = withFile.has(place) ? someFile(client) : undefined
  if (!entry) return upload(client, cleanContent(sizeOf(turn)))
  if (place === 4) return overwrite(client, entry, round % 4 === 0 ? infectedContent(0, 0) : cleanContent(smallSize()))
  if (place === 14) return rescan(client, entry)
  if (place === 7 || place === 17) return remove(client, entry, place === 7)
  return read(client, entry)
}

/** Places of operations with a file that is there. */
const withFile: ReadonlySet<number> = new Set([1, 4, 5, 7, 9, 11, 14, 15, 17, 19])

/** One in five is infected, and one in ten is larger than a part of what the store gets. */
function inPieces(round: number): Content {
  if (round % 5 === 0) return infectedContent(2, largeSize)
  return cleanContent(round % 10 === 3 ? partedSize : largeSize)
}

function sizeOf(turn: number): number {
  if (turn % 200 === 10) return partedSize
  return turn % 20 === 0 ? largeSize : smallSize()
}

/** One of those that were acknowledged, the older ones too. */
function someFile({ ledger }: Client): Entry | undefined {
  const { entries } = ledger
  for (let tries = 0; tries < 10 && entries.length > 0; tries++) {
    const entry = entries[randomInt(entries.length)]
    if (entry?.state === 'clean') return entry
  }
  return undefined
}

const watchMilliseconds = 2000
const watched = 25

/** Asks for the verdicts of what was answered with 202. */
async function watchPending(client: Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(watchMilliseconds, signal).catch(() => undefined)
    for (const entry of client.ledger.inState('pending').slice(0, watched)) {
      if (signal.aborted) return
      await settled(client, entry)
    }
  }
}
