import { asDeployed, startChild } from '../child.ts'
import type { Measure, Row, Side } from '../measure.ts'
import { processorSeconds } from '../processor.ts'
import { askingCore } from './requests.ts'
import { type Sink, startSink } from './sinks.ts'
import type { Memory, MemoryQuestion, UploadServerSettings } from './upload.child.ts'
import type { Uploads } from './uploader.child.ts'

const mebibyte = 1_048_576
const total = 2048 * mebibyte
/** What the store takes for each part: slower than the clients, so that what would pile up does. */
const s3Milliseconds = 20

interface Passing {
  readonly clients: number
  readonly bytes: number
  readonly collects: boolean
}

/** MiB by which a fresh process grows at most while uploads pass. Everything that is loaded at the first use is loaded before. */
function growth(sink: Sink, { clients, bytes, collects }: Passing): Side {
  return async () => {
    await using server = await startChild(new URL('upload.child.ts', import.meta.url), asDeployed)
    await using client = await startChild(new URL('uploader.child.ts', import.meta.url), { core: askingCore })
    const { clamd, storage } = sink
    const port = await server.ask<number>({
      storage,
      clamd: { ...clamd, maxFileBytes: total },
      collects,
    } satisfies UploadServerSettings)
    await client.ask({ port, clients: 1, bytesEach: 1000 } satisfies Uploads)
    const before = await server.ask<Memory>({ watch: 'begin' } satisfies MemoryQuestion)
    const processor = processorSeconds([server.pid])
    const began = performance.now()
    await client.ask({ port, clients, bytesEach: bytes / clients } satisfies Uploads)
    const wallSeconds = (performance.now() - began) / 1000
    const { most } = await server.ask<Memory>({ watch: 'end' } satisfies MemoryQuestion)
    const used = processorSeconds([server.pid]) - processor
    return { figure: most - before.now, work: bytes, wallSeconds, processorSeconds: used }
  }
}

function memoryOf(sink: Sink, clients: number): Measure {
  const sideOf = (bytes: number, collects: boolean) => ({ ours: growth(sink, { clients, bytes, collects }), theirs: null })
  return {
    name: `memory-${clients}`,
    what: `memory growth while 2 GiB pass, ${clients} client${clients === 1 ? '' : 's'}`,
    unit: 'MiB',
    goal: 64,
    better: '≤',
    warmUps: 0,
    pair: sideOf(total, false),
    control: { kind: 'handicap', what: 'bodies are collected, of 256 MiB in all', rounds: 1, pair: sideOf(total / 8, true) },
  }
}

export const memory: Row = {
  name: 'memory',
  lines: ['memory-1', 'memory-32'],
  async open(stack) {
    const sink = await startSink(stack, { s3Milliseconds })
    return [memoryOf(sink, 1), memoryOf(sink, 32)]
  },
}
