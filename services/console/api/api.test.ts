import { ApiProblem } from '@slipway/client'
import { describe, expect, test } from 'vitest'
import { curlOf } from './curl.ts'
import { eventsOf, type ServerEvent } from './event-parser.ts'
import { createStore } from './store.ts'
import { bytesText, durationText, NotSent, wordsOf, workTimeText } from './words.ts'

describe('a request as curl', () => {
  test('has its parameters, its query and its body, safe for a shell', () => {
    expect(curlOf('http://x', 'GET /api/v1/files', { query: { folderId: 'root', limit: 5 } })).toBe(
      `curl -H "Authorization: Bearer $SLIPWAY_API_KEY" 'http://x/api/v1/files?folderId=root&limit=5'`,
    )
    const body = { name: "it's" }
    expect(curlOf('http://x', 'PATCH /api/v1/files/{id}', { params: { id: 'a b' }, body })).toBe(
      `curl -X PATCH -H "Authorization: Bearer $SLIPWAY_API_KEY" -H 'content-type: application/json' -d '{"name":"it'\\''s"}' 'http://x/api/v1/files/a%20b'`,
    )
  })
})

describe('failures in words', () => {
  test('of a problem: title, advice, fields and the trace', () => {
    const details = { code: 'scanner.unavailable', title: 'The scanner does not answer', traceId: 'abc' } as const
    expect(wordsOf(new ApiProblem(503, details))).toMatchObject({
      title: details.title,
      traceId: 'abc',
      detail: expect.stringContaining('try again'),
    })
    const errors = [{ pointer: '/path/key', detail: 'must be lower-case' }]
    expect(wordsOf(new ApiProblem(422, { title: 'Invalid', detail: '/path/key: must be lower-case', errors }))).toEqual({
      title: 'Invalid',
      detail: '',
      fields: [{ field: 'key', detail: 'must be lower-case' }],
    })
  })

  test('of a connection that broke, of a timeout, of anything', () => {
    expect(wordsOf(new TypeError('fetch failed')).title).toBe('The server cannot be reached')
    expect(wordsOf(new DOMException('late', 'TimeoutError')).title).toBe('The server took too long')
    expect(wordsOf(new NotSent('Switch back.'))).toMatchObject({ title: 'It was not sent', detail: 'Switch back.' })
    expect(wordsOf('odd')).toMatchObject({ detail: 'odd' })
  })
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1500, '1.5 kB'],
  [123_456_789, '123 MB'],
  [107_374_182_400, '107 GB'],
])('%i bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})

test.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [95, '2 minutes'],
  [7200, '2 hours'],
  [172_800, '2 days'],
])('%i seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text)
})

test.each([
  [0, '0 ms'],
  [0.0123, '12 ms'],
  [0.9999, '1.0 s'],
  [1.26, '1.3 s'],
  [89, '89.0 s'],
  [95, '2 minutes'],
])('work of %f seconds took %s', (seconds, text) => {
  expect(workTimeText(seconds)).toBe(text)
})

describe('server-sent events', () => {
  async function read(...chunks: string[]): Promise<ServerEvent[]> {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
        controller.close()
      },
    })
    const events: ServerEvent[] = []
    for await (const event of eventsOf(stream)) events.push(event)
    return events
  }

  test('come whole, wherever the chunks are cut; comments are none', async () => {
    const events = await read(
      'event: pro',
      'gress\nid: 7\nda',
      'ta: {"a":1}\n',
      '\n: heartbeat\n\ndata: x\ndata: y\r\n\r\n',
      'data: cut off',
    )
    expect(events).toEqual([
      { type: 'progress', id: '7', data: '{"a":1}' },
      { type: 'message', id: null, data: 'x\ny' },
    ])
  })
})

test('a store tells its listeners until they leave', () => {
  const store = createStore(1)
  let told = 0
  const leave = store.subscribe(() => told++)
  store.set(2)
  leave()
  store.set(3)
  expect([store.get(), told]).toEqual([3, 1])
})
