import { addAbortSignal, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isProblem } from '@slipway/problem'
import { type Address, createControl, type EngineVersion, unavailable } from './control.ts'
import { ReplySocket } from './reply-socket.ts'
import { ScanStream } from './scan-stream.ts'
import { createSlots } from './slots.ts'
import { createTrust } from './trust.ts'
import type { ScanResult } from './verdict.ts'

export interface ScannerOptions {
  host: string
  port: number
  /** Scans at a time; more wait, and a free place goes to the owner who has the fewest. */
  connections: number
  /** How long a scan waits for its turn before `service.overloaded`. */
  queueSeconds: number
  /** Silence of clamd after which it has to answer PING or counts as hung. */
  idleSeconds: number
  /** clamd's MaxFileSize. */
  maxFileBytes: number
  /** Longest time from the last byte to the verdict; has to be above clamd's MaxScanTime. By default one second per MiB of maxFileBytes, and 150. */
  scanSeconds?: number
  now?: () => number
  /** Told how each `open` ended, for metrics. */
  onOpen?: ((opening: ScannerOpening) => void) | undefined
}

export interface ScannerOpening {
  /** Waiting for a place and connecting. */
  readonly seconds: number
  /** Why there is no stream; null when there is one. */
  readonly error: 'service.overloaded' | 'scanner.unavailable' | 'cancelled' | null
}

/** For readiness: whether verdicts can be had and whether they mean anything. */
export type ScannerState =
  | ({ status: 'ok' } & EngineVersion)
  /** clamd runs without an official database: it knows test signatures at most. */
  | ({ status: 'test-signatures' } & EngineVersion)
  | { status: 'down'; reason: string }

export interface Scanner extends AsyncDisposable {
  readonly maxFileBytes: number
  /**
   * Waits for a place and connects. `owner` (a tenant) has its share of the places when others wait as well.
   * @throws `service.overloaded` when no place becomes free in time, `scanner.unavailable` when clamd cannot be reached
   */
  open(signal?: AbortSignal, owner?: string): Promise<ScanStream>
  /** Scans all of `source`; destroys it when the scan fails. */
  scan(source: Readable, options?: { signal?: AbortSignal }): Promise<ScanResult>
  ping(): Promise<void>
  version(): Promise<EngineVersion>
  /** Never throws. */
  state(): Promise<ScannerState>
  /** Scans under way and waiting, for metrics. */
  load(): { busy: number; waiting: number }
  /** Scans at a time. */
  readonly places: number
}

/** Deadline for connecting, PING and VERSION: clamd answers each without scanning. */
const controlSeconds = 5
/** For the PING before a scan, after one that was lost: clients wait for it. */
const trustSeconds = 2
/** How long a version is believed; a verdict may name a database this much older than the one that was used, never a newer one. */
const versionMilliseconds = 5000
const mebibyte = 1_048_576

export function createScanner(options: ScannerOptions): Scanner {
  const { host, port, connections, queueSeconds, idleSeconds, maxFileBytes, now = Date.now } = options
  const { scanSeconds = 150 + maxFileBytes / mebibyte } = options
  const address: Address = { host, port }
  const control = createControl(address, Math.min(controlSeconds, idleSeconds))
  const version = remembered(() => control.version(), { milliseconds: versionMilliseconds, now })
  const slots = createSlots(connections, queueSeconds)
  const closing = new AbortController()
  const trust = createTrust(createControl(address, Math.min(trustSeconds, idleSeconds)).ping)
  const failure = (cause: unknown) => {
    trust.lose()
    return unavailable(address, cause)
  }

  async function openNow(signal?: AbortSignal, owner?: string): Promise<ScanStream> {
    const either = AbortSignal.any(signal ? [signal, closing.signal] : [closing.signal])
    const doubt = trust.check()
    if (doubt) await doubt
    const release = await slots.acquire(either, owner)
    try {
      const newDoubt = trust.check()
      if (newDoubt) await newDoubt
      const socket = await connect(address, either)
      return addAbortSignal(
        either,
        new ScanStream(socket, { idleSeconds, scanSeconds, now, version, ping: control.ping, failure, release }),
      )
    } catch (error) {
      release()
      either.throwIfAborted()
      throw failure(error)
    }
  }

  const open = timed(openNow, options.onOpen)
  return {
    maxFileBytes,
    open,
    async scan(source, { signal } = {}) {
      try {
        const stream = await open(signal)
        await pipeline(source, stream).catch((error: unknown) => Promise.reject(stream.errored ?? error))
        return await stream.result()
      } finally {
        source.destroy()
      }
    },
    ping: control.ping,
    version,
    state: () => scannerState(control.version),
    load: () => ({ busy: slots.busy, waiting: slots.waiting }),
    places: connections,
    async [Symbol.asyncDispose]() {
      closing.abort(new DOMException('The scanner is closing', 'AbortError'))
    },
  }
}

type Open = Scanner['open']

function timed(open: Open, tell: ScannerOptions['onOpen']): Open {
  if (!tell) return open
  return async (signal, owner) => {
    const began = performance.now()
    const seconds = () => (performance.now() - began) / 1000
    try {
      const stream = await open(signal, owner)
      tell({ seconds: seconds(), error: null })
      return stream
    } catch (error) {
      const code = isProblem(error) ? error.code : null
      tell({ seconds: seconds(), error: code === 'service.overloaded' || code === 'scanner.unavailable' ? code : 'cancelled' })
      throw error
    }
  }
}

function connect(address: Address, signal: AbortSignal): Promise<ReplySocket> {
  const socket = new ReplySocket()
  const { promise, resolve, reject } = Promise.withResolvers<ReplySocket>()
  const fail = (error: unknown) => {
    socket.destroy()
    reject(error)
  }
  const abort = () => fail(signal.reason)
  const timer = setTimeout(() => fail(new Error(`no connection within ${controlSeconds} s`)), controlSeconds * 1000)
  signal.addEventListener('abort', abort)
  socket.once('error', fail)
  socket.connect(address, () => resolve(socket))
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    socket.removeListener('error', fail)
  })
}

async function scannerState(version: () => Promise<EngineVersion>): Promise<ScannerState> {
  try {
    const known = await version()
    return { status: known.number === undefined ? 'test-signatures' : 'ok', ...known }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return { status: 'down', reason: cause instanceof Error ? cause.message : String(cause) }
  }
}

/** Keeps an answer for a while and lets concurrent callers share one question; a failure is not kept. */
function remembered<T>(ask: () => Promise<T>, { milliseconds, now }: { milliseconds: number; now: () => number }): () => Promise<T> {
  let kept: { answer: Promise<T>; at: number } | undefined
  return () => {
    if (kept && now() - kept.at < milliseconds) return kept.answer
    const current = { answer: ask(), at: now() }
    kept = current
    current.answer.catch(() => {
      if (kept === current) kept = undefined
    })
    return current.answer
  }
}
