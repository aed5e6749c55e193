import { writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { createHttpApp, listen, multipart, reply, routesFor } from '@slipway/http'
import { createScanner, type ScannerOptions } from '@slipway/scanner'
import { createScanGate, createStorage, type ScanGate, type StorageOptions } from '@slipway/storage'
import { createLog } from '@slipway/telemetry'
import { answerParent } from '../child.ts'
import { mebibytes } from '../processor.ts'

export interface UploadServerSettings {
  readonly storage: StorageOptions
  readonly clamd: Pick<ScannerOptions, 'host' | 'port' | 'maxFileBytes'>
  /** Bodies are collected before they are passed on: for the control. */
  readonly collects: boolean
}

export type MemoryQuestion = { readonly watch: 'begin' | 'end' }

/** MiB. */
export interface Memory {
  readonly now: number
  readonly most: number
}

const everyMilliseconds = 20
let most = 0
let watching: NodeJS.Timeout | undefined

/** The kernel keeps the most that a process had; where it cannot be told to forget it, a timer looks. */
function beginWatching(): Memory {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    watching = setInterval(() => {
      most = Math.max(most, mebibytes(process.pid).now)
    }, everyMilliseconds)
  }
  const { now } = mebibytes(process.pid)
  most = now
  return { now, most }
}

function endWatching(): Memory {
  const seen = mebibytes(process.pid)
  const all = watching ? most : seen.most
  clearInterval(watching)
  return { now: seen.now, most: all }
}

interface Context {
  readonly gate: ScanGate
  readonly collects: boolean
  readonly maxBytes: number
}

const route = routesFor<Context>()
let uploads = 0

const upload = route(
  {
    method: 'POST',
    path: '/api/v1/files',
    operation: 'files.upload',
    summary: 'Upload a file',
    auth: 'none',
    body: multipart({ file: 'file' }),
    responses: { 204: { description: 'Clean' } },
  },
  async ({ parts, request }, { gate, collects, maxBytes }) => {
    const { stream } = parts.file
    const source = collects ? Readable.from([Buffer.concat(await stream.toArray())]) : stream
    const place = { bucket: 'files', key: `bench/${uploads++}`, tenantId: 't', maxBytes, signal: request.signal }
    const accepted = await gate.accept(source, place)
    if (!accepted.promote) throw new Error(`expected a clean verdict, got ${JSON.stringify(accepted.verdict)}`)
    return reply(204)
  },
)

async function serve({ storage: options, clamd, collects }: UploadServerSettings): Promise<number> {
  const storage = createStorage(options)
  const scanner = createScanner({ ...clamd, connections: 4, queueSeconds: 600, idleSeconds: 60 })
  const context = { gate: createScanGate({ storage, scanner }), collects, maxBytes: clamd.maxFileBytes }
  const app = createHttpApp({ routes: [upload], context, auth: { authenticate: async () => null }, log: createLog({ name: 'bench' }) })
  return (await listen(app, { host: '127.0.0.1', port: 0 })).port
}

answerParent(async (question: UploadServerSettings | MemoryQuestion) => {
  if ('collects' in question) return serve(question)
  if (question.watch === 'end') return endWatching()
  // What is only waiting to be collected is not what passes.
  await delay(200)
  return beginWatching()
})
