import { setTimeout as delay } from 'node:timers/promises'
import { eicar } from './archives.ts'
import { call, expectStatus, here, unique, until, upload } from './client.ts'
import { kitchen } from './dishes.ts'
import { platePhoto } from './pictures.ts'
import { callersTrace, type Span, spansOf, spansUntil } from './spans.ts'

/**
 * What of an installation's traces comes to its backend (backend.yaml):
 *
 *   node e2e/traces.ts photo      one upload of a dish's photo is one trace, from the edge to the model
 *   node e2e/traces.ts end        requests until SIGTERM, while pods come and go: the spans of every one of them arrive
 *   node e2e/traces.ts tail       of 40 uploads whose traces nobody asked for, only that of malware is kept
 */
const scopes = ['http', 'pg', 'ioredis', 'aws-sdk', 'slipway.queue']
const servicesOfPhoto = ['slipway-menu-api', 'slipway-menu-worker']

function check(holds: boolean, complaint: () => string): void {
  if (!holds) throw new Error(complaint())
}

const outline = (spans: readonly Span[]) =>
  spans.map(({ service, scope, name, spanId, parentSpanId }) => `${service} ${scope} ${name} ${spanId} < ${parentSpanId ?? '-'}`).join('\n')

async function photo(): Promise<void> {
  const { traceId, spanId, headers } = callersTrace()
  const ours = kitchen(here.apiKey)
  const { id } = await ours.add({ name: unique('Traced') })
  await expectStatus(ours.photo(id, platePhoto({ width: 640, height: 480 }), headers), 202)
  const dish = await ours.reaches(id, 'done')
  const traced = dish as unknown as { model: { traceId?: string } }
  check(traced.model.traceId === traceId, () => `the API says that the model's trace is ${traced.model.traceId}, not ${traceId}`)
  const has = (spans: readonly Span[], words: readonly string[], of: (span: Span) => string) =>
    words.every((word) => spans.some((span) => of(span).endsWith(word)))
  const complete = (spans: readonly Span[]) =>
    has(spans, scopes, ({ scope }) => scope) &&
    has(spans, servicesOfPhoto, ({ service }) => service) &&
    parentless(spans, spanId).length === 0
  let last: Span[] = []
  const spans = await until(async () => {
    last = await spansOf(traceId)
    return complete(last) ? last : undefined
  }, 60).catch((error: unknown) => {
    throw new Error(`the trace is not whole:\n${outline(last)}\nwithout parent:\n${outline(parentless(last, spanId))}`, { cause: error })
  })
  const scan = spans.filter(({ name }) => name === 'scan')
  check(
    scan.length > 0 && scan.every(({ attributes }) => attributes['slipway.scan.verdict'] === 'clean'),
    () => `no clean scan:\n${outline(spans)}`,
  )
  check(
    spans.some(({ attributes }) => attributes['slipway.dish.id'] === id),
    () => 'no span says which dish it is about',
  )
  const root = spans.filter(({ parentSpanId }) => parentSpanId === spanId)
  check(root.length === 1, () => `the caller has ${root.length} spans below it`)
  const count = new Map<string, number>()
  for (const { service } of spans) count.set(service, (count.get(service) ?? 0) + 1)
  process.stdout.write(
    `one trace of ${spans.length} spans: ${[...count].map(([service, spansOfIt]) => `${service} ${spansOfIt}`).join(', ')}\n`,
  )
}

/** Spans whose parent is neither in the trace nor the caller. */
function parentless(spans: readonly Span[], caller: string): Span[] {
  const known = new Set([caller, ...spans.map((span) => span.spanId)])
  return spans.filter(({ parentSpanId = '' }) => !known.has(parentSpanId))
}

async function end(): Promise<void> {
  const stopped = new AbortController()
  process.once('SIGTERM', () => stopped.abort())
  const traces: string[] = []
  const deadline = Date.now() + 600_000
  while (!stopped.signal.aborted && Date.now() < deadline) {
    const { traceId, headers } = callersTrace()
    await expectStatus(call('GET', '/api/v1/files?limit=1', { headers }), 200)
    traces.push(traceId)
    await delay(20)
  }
  const missing = async () => {
    const there = new Set((await spansOf(...traces)).filter(({ service }) => service === 'slipway-files-api').map(({ traceId }) => traceId))
    return traces.filter((traceId) => !there.has(traceId))
  }
  let left = traces
  await until(async () => ((left = await missing()).length === 0 ? true : undefined), 60).catch(() => undefined)
  check(left.length === 0, () => `of ${traces.length} requests ${left.length} have no span`)
  process.stdout.write(`the spans of all ${traces.length} requests arrived\n`)
}

async function tail(): Promise<void> {
  const ordinary: string[] = []
  for (let count = 0; count < 40; count++) {
    const { traceId, headers } = callersTrace()
    await expectStatus(upload(unique('ordinary'), { headers }), 201)
    ordinary.push(traceId)
  }
  const infected = callersTrace()
  await expectStatus(upload(eicar(), { headers: infected.headers }), 422)
  const spans = await spansUntil(infected.traceId, (all) => all.some(({ attributes }) => attributes['slipway.scan.verdict'] === 'infected'))
  check(spans.length > 1, () => 'the trace of malware has a single span')
  // Decided on before: they came first.
  const kept = new Set((await spansOf(...ordinary)).map(({ traceId }) => traceId))
  check(kept.size === 0, () => `${kept.size} of ${ordinary.length} ordinary traces were kept`)
  process.stdout.write(`of ${ordinary.length} ordinary traces none was kept, that of malware was, with ${spans.length} spans\n`)
}

const programs: Readonly<Record<string, () => Promise<void>>> = { photo, end, tail }
const program = programs[process.argv[2] ?? '']
if (!program) throw new Error(`one of ${Object.keys(programs).join(', ')}`)
await program()
