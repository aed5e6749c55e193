import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { until } from './client.ts'

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly service: string
  readonly scope: string
  readonly attributes: Readonly<Record<string, string>>
}

/** The JSON form of OTLP, as far as it is looked at. */
interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly {
      readonly scope: { readonly name?: string }
      readonly spans: readonly (Omit<Span, 'service' | 'scope' | 'attributes'> & { readonly attributes?: readonly Attribute[] })[]
    }[]
  }[]
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

const run = promisify(execFile)
/** Of e2e/cluster. */
const namespace = 'slipway-e2e'
const record = (attributes: readonly Attribute[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]))

/** Lines of the backend's file that have one of these words. */
async function lines(words: readonly string[]): Promise<string[]> {
  // grep ends with 1 when there is none.
  const command = 'grep -hFf - /spans/traces.json || [ $? -eq 1 ]'
  const args = ['-n', namespace, 'exec', '-i', 'telemetry-backend-0', '-c', 'reader', '--', 'sh', '-c', command]
  const grep = run('kubectl', args, { maxBuffer: 1 << 30 })
  grep.child.stdin?.end(words.join('\n'))
  return (await grep).stdout.split('\n').filter(Boolean)
}

/** All spans of these traces that the backend has. */
export async function spansOf(...traceIds: readonly string[]): Promise<Span[]> {
  const wanted = new Set(traceIds)
  return (await lines(traceIds)).flatMap((line) =>
    (JSON.parse(line) as Batch).resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans }) =>
        spans
          .filter(({ traceId }) => wanted.has(traceId))
          .map((span) => ({
            ...span,
            service: record(resource.attributes)['service.name'] ?? '',
            scope: scope.name ?? '',
            attributes: record(span.attributes),
          })),
      ),
    ),
  )
}

/** The spans of a trace once they are as they should be. */
export const spansUntil = (traceId: string, complete: (spans: readonly Span[]) => boolean): Promise<Span[]> =>
  until(async () => {
    const spans = await spansOf(traceId)
    return complete(spans) ? spans : undefined
  }, 60)

/** The trace of a caller, who is no process of the platform: `headers` go with the request. */
export function callersTrace(): { traceId: string; spanId: string; headers: { traceparent: string } } {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } }
}
