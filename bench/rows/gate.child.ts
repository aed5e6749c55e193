import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { createScanner, type Scanner, type ScannerOptions } from '@slipway/scanner'
import { createScanGate, createStorage, type ScanGate, type StorageOptions } from '@slipway/storage'
import { answerParent } from '../child.ts'
import { contentOf } from './content.ts'

export interface GateSettings {
  readonly storage: StorageOptions
  readonly clamd: Pick<ScannerOptions, 'host' | 'port' | 'maxFileBytes'>
}

/** Passes content, and tells milliseconds from its last byte to its verdict. */
export interface ToVerdict {
  readonly through: 'gate' | 'clamd'
  readonly mebibytes: number
  /** Share of its time by which the verdict is held back, for the control. */
  readonly heldBack?: number
}

/** Passes or hashes bytes, and tells MiB per second. */
export interface Rate {
  readonly rateOf: 'gate' | 'sha256'
  readonly mebibytes: number
  /** How often more each chunk is hashed, for the control. */
  readonly moreHashes?: number
}

const mebibyte = 1_048_576
const chunkBytes = 65_536

const opened: { gate?: ScanGate; scanner?: Scanner; settings?: GateSettings } = {}

async function open(settings: GateSettings): Promise<void> {
  const scanner = createScanner({ ...settings.clamd, connections: 4, queueSeconds: 60, idleSeconds: 60 })
  const storage = createStorage(settings.storage)
  await storage.ensureBuckets(['files'])
  Object.assign(opened, { scanner, settings, gate: createScanGate({ storage, scanner }) })
}

async function accept(source: Readable, size: number): Promise<number> {
  if (!opened.gate) throw new Error('nothing was opened')
  const accepted = await opened.gate.accept(source, { bucket: 'files', key: `bench/${Date.now()}`, tenantId: 't', maxBytes: size })
  const judged = performance.now()
  if (!accepted.promote) throw new Error(`expected a clean verdict, got ${JSON.stringify(accepted.verdict)}`)
  await opened.gate.discard(accepted.quarantine)
  return judged
}

async function toVerdict({ through, mebibytes, heldBack = 0 }: ToVerdict): Promise<number> {
  // Never the same twice, as clamd remembers what it has seen.
  const nonce = randomBytes(16)
  let last = 0
  const source = (function* () {
    for (const chunk of contentOf(mebibytes, nonce)) {
      last = performance.now()
      yield chunk
    }
  })()
  const judged = through === 'gate' ? await accept(Readable.from(source), mebibytes * mebibyte) : await scanBare(source)
  if (heldBack === 0) return judged - last
  await delay((judged - last) * heldBack)
  return performance.now() - last
}

/** What is the least that one has to do: INSTREAM over a socket. */
async function scanBare(chunks: Iterable<Buffer>): Promise<number> {
  if (!opened.settings) throw new Error('nothing was opened')
  const socket = connect(opened.settings.clamd.port, opened.settings.clamd.host)
  let reply = ''
  socket.on('data', (data: Buffer) => {
    reply += data.toString()
  })
  const ended = once(socket, 'end')
  const write = (data: Buffer) => new Promise<void>((done, fail) => socket.write(data, (error) => (error ? fail(error) : done())))
  await write(Buffer.from('zINSTREAM\0'))
  for (const chunk of chunks) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(chunk.length)
    socket.cork()
    void socket.write(length)
    const written = write(chunk)
    socket.uncork()
    await written
  }
  await write(Buffer.alloc(4))
  await ended
  const judged = performance.now()
  if (reply !== 'stream: OK\0') throw new Error(`clamd says ${reply}`)
  return judged
}

const chunk = Buffer.alloc(chunkBytes, 'some text ')

async function rate({ rateOf, mebibytes, moreHashes = 0 }: Rate): Promise<number> {
  const began = performance.now()
  const size = mebibytes * mebibyte
  if (rateOf === 'sha256') hashAll(size)
  else await accept(Readable.from(chunksOf(size, moreHashes)), size)
  return mebibytes / ((performance.now() - began) / 1000)
}

function hashAll(size: number): string {
  const hash = createHash('sha256')
  for (let left = size; left > 0; left -= chunk.length) hash.update(chunk)
  return hash.digest('hex')
}

/** Always the same chunk: what is measured is the gate, and not a source. */
function* chunksOf(size: number, moreHashes: number): Generator<Buffer> {
  const more = Array.from({ length: moreHashes }, () => createHash('sha256'))
  for (let left = size; left > 0; left -= chunk.length) {
    for (const hash of more) hash.update(chunk)
    yield chunk
  }
}

answerParent(async (question: GateSettings | ToVerdict | Rate) => {
  if ('through' in question) return toVerdict(question)
  if ('rateOf' in question) return rate(question)
  return open(question)
})
