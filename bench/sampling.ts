import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { processEnvironment } from '@slipway/config'
import { publish, quantile } from './results.ts'
import { type BenchStack, freePort, startStack } from './stack.ts'

/**
 * What telemetry costs: requests per second of a small read and of an upload, with telemetry off, with traces of a tenth (head) and of
 * all (tail), in one run. Three stacks stand side by side, and one at a time is asked, in turn. A collector takes what they send and
 * gives it to nobody: it has its share of the processors, as in a pod. `node bench/sampling.ts [turns]`; needs `otelcol-contrib`.
 */
const [turns = 7] = process.argv.slice(2).map(Number)
const seconds = 6
const callers = 8
const modes = ['off', 'head', 'tail'] as const
type Mode = (typeof modes)[number]

const load = loadavg()
const port = await freePort()
const collector = startCollector(port)
const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }
const settings: Record<Mode, Record<string, string>> = {
  off: {},
  head: { ...otlp, OTEL_SAMPLING: 'head', OTEL_TRACES_SAMPLER_ARG: '0.1' },
  tail: { ...otlp, OTEL_SAMPLING: 'tail' },
}
await using off = await startStack({ ...settings.off, HTTP_REQUESTS_PER_MINUTE: '1000000' })
await using head = await startStack({ ...settings.head, HTTP_REQUESTS_PER_MINUTE: '1000000' })
await using tail = await startStack({ ...settings.tail, HTTP_REQUESTS_PER_MINUTE: '1000000' })
const stacks: Record<Mode, BenchStack> = { off, head, tail }

type Request = (stack: BenchStack) => Promise<Response>
const headers = ({ apiKey }: BenchStack) => ({ authorization: `Bearer ${apiKey}` })
const workloads: Record<string, Request> = {
  read: (stack) => fetch(new URL('/api/v1/files?limit=1', stack.url), { headers: headers(stack) }),
  upload(stack) {
    const body = new FormData()
    body.append('file', new Blob([new Uint8Array(16_384)]), `${crypto.randomUUID()}.bin`)
    return fetch(new URL('/api/v1/files', stack.url), { method: 'POST', headers: headers(stack), body })
  },
}

try {
  const result: Record<string, object> = {}
  for (const [name, request] of Object.entries(workloads)) {
    for (const mode of modes) await measure(stacks[mode], request)
    const rates: Record<Mode, number[]> = { off: [], head: [], tail: [] }
    const costs: Record<Mode, number[]> = { off: [], head: [], tail: [] }
    for (let turn = 0; turn < turns; turn++)
      // Nobody is always first.
      for (const mode of rotated(modes, turn)) {
        const { perSecond, apiMilliseconds } = await measure(stacks[mode], request)
        rates[mode].push(perSecond)
        costs[mode].push(apiMilliseconds)
      }
    // Turn by turn, as the machine is not the same all the time.
    const percent = (mode: Mode) => {
      const ratios = rates[mode].map((rate, turn) => (100 * rate) / (rates.off[turn] ?? Number.NaN))
      return {
        median: quantile(ratios, 0.5),
        range: [Math.min(...ratios), Math.max(...ratios)].map((ratio) => Math.round(ratio * 10) / 10),
      }
    }
    result[name] = {
      perSecond: Object.fromEntries(modes.map((mode) => [mode, quantile(rates[mode], 0.5)])),
      percentOfOff: { head: percent('head'), tail: percent('tail') },
      apiMillisecondsPerRequest: Object.fromEntries(modes.map((mode) => [mode, median(costs[mode])])),
    }
  }
  publish('sampling', { turns, seconds, callers, load: load.map((value) => Math.round(value * 100) / 100), ...result })
} finally {
  collector.kill()
  await once(collector, 'exit')
}

/** Some callers, each of whom asks again when it has its answer: how many they get, and what one takes of the processor in the APIs. */
async function measure(stack: BenchStack, request: Request): Promise<{ perSecond: number; apiMilliseconds: number }> {
  const before = await stack.apiCpuSeconds()
  const began = performance.now()
  let answered = 0
  const call = async () => {
    while (performance.now() - began < seconds * 1000) {
      const response = await request(stack)
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      await response.arrayBuffer()
      answered++
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  const perSecond = answered / ((performance.now() - began) / 1000)
  // What is still to be sent and stored belongs to this turn, not to the next.
  await delay(500)
  return { perSecond, apiMilliseconds: ((await stack.apiCpuSeconds()) - before) * (1000 / answered) }
}

/** To a hundredth: these are milliseconds. */
function median(values: readonly number[]): number {
  return (
    quantile(
      values.map((value) => value * 100),
      0.5,
    ) / 100
  )
}

function rotated<T>(values: readonly T[], by: number): T[] {
  const at = by % values.length
  return [...values.slice(at), ...values.slice(0, at)]
}

function startCollector(at: number) {
  const pipeline = { receivers: ['otlp'], exporters: ['nop'] }
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${at}` } } } },
    exporters: { nop: {} },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'error' } },
      pipelines: { traces: pipeline, metrics: pipeline },
    },
  }
  const env = { ...processEnvironment(), COLLECTOR_CONFIG: JSON.stringify(config) }
  return spawn('otelcol-contrib', ['--config=env:COLLECTOR_CONFIG'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
}
