import { Readable } from 'node:stream'
import { createScanner } from '@slipway/scanner'
import { createScanGate } from './gate.ts'
import { createStorage, type StorageOptions } from './index.ts'

const chunk = Buffer.alloc(65_536, 'some text ')

/** What the process that measures is told, as JSON in its first argument. */
export interface Measurement {
  storage: StorageOptions
  scanner: { host: string; port: number; maxFileBytes: number }
  bytes: number
  uploads: number
}

/** Runs uploads at the same time, two scans at a time, and prints by how many bytes the process grew at most. */
async function measure({ storage: options, scanner: clamd, bytes, uploads }: Measurement): Promise<void> {
  await using storage = createStorage(options)
  await using scanner = createScanner({ ...clamd, connections: 2, queueSeconds: 600, idleSeconds: 60 })
  const gate = createScanGate({ storage, scanner })
  const upload = async (size: number, index: number) => {
    const place = { bucket: 'files', key: `memory/${index}`, tenantId: 't', maxBytes: size }
    const accepted = await gate.accept(streamOf(size), place)
    if (!accepted.promote) throw new Error(`expected a clean verdict, got ${JSON.stringify(accepted.verdict)}`)
  }
  // Everything that is loaded at the first use is loaded before.
  await upload(1000, -1)
  const before = process.memoryUsage().rss
  await Promise.all(Array.from({ length: uploads }, (_, index) => upload(bytes, index)))
  process.stdout.write(JSON.stringify({ growth: process.resourceUsage().maxRSS * 1024 - before }))
}

/** Always the same chunk: what is measured is the gate, and not the garbage of a source. */
function streamOf(size: number): Readable {
  return Readable.from(
    (function* () {
      for (let left = size; left > 0; left -= chunk.length) yield chunk.subarray(0, left)
    })(),
  )
}

const [, , argument] = process.argv
if (argument) await measure(JSON.parse(argument) as Measurement)
