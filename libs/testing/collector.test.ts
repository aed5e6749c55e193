import { expect, it } from 'vitest'
import { startCollector } from './index.ts'

/** A field of a protobuf message: text, bytes or a message, or a whole number. */
function field(number: number, value: Buffer | string | number): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)])
  const bytes = Buffer.from(value)
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left % 128) | 0x80)
  }
}

const message = (...fields: Buffer[]) => Buffer.concat(fields)
const attribute = (key: string, value: Buffer) => message(field(1, key), field(2, value))
const id = (byte: number, length: number) => Buffer.alloc(length, byte)

const span = message(
  field(1, id(0xab, 16)),
  field(2, id(0xcd, 8)),
  field(4, id(0xef, 8)),
  field(5, `GET /${'x'.repeat(300)}`),
  field(6, 2),
  // Start time: a number of eight bytes, which is passed over.
  Buffer.concat([varint((7 << 3) | 1), Buffer.alloc(8, 0xff)]),
  field(9, attribute('http.method', field(1, 'GET'))),
  field(9, attribute('http.status_code', field(3, 200))),
)
/** STATUS_CODE_ERROR; the first one has none, the usual case. */
const failedSpan = message(span, field(15, field(3, 2)))
const resource = field(1, attribute('service.name', field(1, 'files')))
const traces = field(1, message(field(1, resource), field(2, message(field(1, field(1, 'http')), field(2, span), field(2, failedSpan)))))

it('reads spans with their scope, resource, ids, status and attributes', async () => {
  await using collector = await startCollector()
  const { status } = await fetch(`${collector.endpoint}/v1/traces`, { method: 'POST', body: new Uint8Array(traces) })
  expect(status).toBe(200)
  expect(collector.spans).toHaveLength(2)
  expect(collector.spans[0]).toEqual({
    scope: 'http',
    name: `GET /${'x'.repeat(300)}`,
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    parentId: 'ef'.repeat(8),
    kind: 2,
    failed: false,
    attributes: { 'http.method': 'GET', 'http.status_code': '200' },
    resource: { 'service.name': 'files' },
  })
  expect(collector.spans[1]).toEqual({ ...collector.spans[0], failed: true })
  expect(collector.metrics).toEqual([])
})

it('reads the names of metrics, keeps all that was received, and takes several exports', async () => {
  await using collector = await startCollector()
  const metrics = (name: string) =>
    field(1, message(field(1, resource), field(2, message(field(1, field(1, 'queue')), field(2, field(1, name))))))
  for (const name of ['queue.age', 'queue.jobs']) {
    await fetch(`${collector.endpoint}/v1/metrics`, { method: 'POST', body: new Uint8Array(metrics(name)) })
  }
  await fetch(`${collector.endpoint}/v1/logs`, { method: 'POST', body: 'secret' })
  expect(collector.metrics).toEqual([
    { service: 'files', scope: 'queue', name: 'queue.age' },
    { service: 'files', scope: 'queue', name: 'queue.jobs' },
  ])
  expect(collector.spans).toEqual([])
  expect(collector.bytes().toString()).toContain('queue.age')
  expect(collector.bytes().toString()).toContain('secret')
})

it('ends with its connections, also those that are kept alive', async () => {
  const collector = await startCollector()
  await (await fetch(`${collector.endpoint}/v1/traces`, { method: 'POST', body: new Uint8Array() })).text()
  await collector[Symbol.asyncDispose]()
  await expect(fetch(collector.endpoint)).rejects.toThrow()
})
