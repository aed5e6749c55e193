import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CollectedSpan {
  scope: string
  name: string
  traceId: string
  spanId: string
  parentId: string
  kind: number
  /** Its status is an error. */
  failed: boolean
  attributes: Record<string, string>
  resource: Record<string, string>
}

export interface CollectedMetric {
  /** Of the resource: which process it is from. */
  service: string
  scope: string
  name: string
}

export interface Collector extends AsyncDisposable {
  endpoint: string
  spans: CollectedSpan[]
  metrics: CollectedMetric[]
  /** Everything received, to look for what must not be in it. */
  bytes(): Buffer
  /** The same, of metrics only. */
  metricBytes(): Buffer
}

/** An OTLP/HTTP receiver of protobuf messages. Field numbers are those of opentelemetry-proto 1.x. */
export async function startCollector(): Promise<Collector> {
  const bodies: Buffer[] = []
  const metricBodies: Buffer[] = []
  const spans: CollectedSpan[] = []
  const metrics: CollectedMetric[] = []
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request)
    bodies.push(body)
    if (request.url === '/v1/traces') spans.push(...decodeSpans(body))
    if (request.url === '/v1/metrics') {
      metricBodies.push(body)
      metrics.push(...decodeMetrics(body))
    }
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  }
  const server = createServer((request, response) => void receive(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    bytes: () => Buffer.concat(bodies),
    metricBytes: () => Buffer.concat(metricBodies),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function decodeSpans(body: Buffer): CollectedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const resource = messages(resourceSpans, 1).flatMap((message) => attributes(message, 1))
    return messages(resourceSpans, 2).flatMap((scopeSpans) => {
      const scope = messages(scopeSpans, 1).map((message) => text(message, 1))[0] ?? ''
      return messages(scopeSpans, 2).map((span) => decodeSpan(span, scope, Object.fromEntries(resource)))
    })
  })
}

function decodeSpan(span: Buffer, scope: string, resource: Record<string, string>): CollectedSpan {
  const id = (field: number) => messages(span, field)[0]?.toString('hex') ?? ''
  const kind = Number(fields(span).find((field) => field.number === 6)?.value ?? 0)
  return {
    scope,
    resource,
    name: text(span, 5),
    traceId: id(1),
    spanId: id(2),
    parentId: id(4),
    kind,
    failed: messages(span, 15).some((status) => fields(status).some(({ number, value }) => number === 3 && value === 2n)),
    attributes: Object.fromEntries(attributes(span, 9)),
  }
}

function decodeMetrics(body: Buffer): CollectedMetric[] {
  return messages(body, 1).flatMap((resourceMetrics) => {
    const resource = Object.fromEntries(messages(resourceMetrics, 1).flatMap((message) => attributes(message, 1)))
    const service = resource['service.name'] ?? ''
    return messages(resourceMetrics, 2).flatMap((scopeMetrics) => {
      const scope = messages(scopeMetrics, 1).map((message) => text(message, 1))[0] ?? ''
      return messages(scopeMetrics, 2).map((metric) => ({ service, scope, name: text(metric, 1) }))
    })
  })
}

/** Text and whole numbers, which is all that the tests look at. */
function attributes(message: Buffer, field: number): [string, string][] {
  return messages(message, field).map((pair) => {
    const value = messages(pair, 2)[0] ?? Buffer.alloc(0)
    const number = fields(value).find((entry) => entry.number === 3)?.value
    return [text(pair, 1), number === undefined ? text(value, 1) : String(number)]
  })
}

function text(message: Buffer, field: number): string {
  return messages(message, field)[0]?.toString() ?? ''
}

function messages(message: Buffer, field: number): Buffer[] {
  return fields(message).flatMap(({ number, value }) => (number === field && Buffer.isBuffer(value) ? [value] : []))
}

interface Field {
  number: number
  value: Buffer | bigint
}

/** The wire format: a tag (field number and type) before each value. */
function fields(message: Buffer): Field[] {
  const found: Field[] = []
  let offset = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(offset++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number) => message.subarray(offset, (offset += length))
  while (offset < message.length) {
    const tag = Number(varint())
    const type = tag & 7
    const value = type === 0 ? varint() : take(type === 1 ? 8 : type === 5 ? 4 : Number(varint()))
    found.push({ number: tag >>> 3, value })
  }
  return found
}
