import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { Answer } from '../call.ts'
import { cleanContent, smallSize } from '../content.ts'
import { insist } from '../insist.ts'
import { uploadCall } from '../operations.ts'
import type { Chaos, Fault } from './fault.ts'

const slowCount = 2000
/** Of those with a body, that have to be told that they are too slow, or that there is no place for them: what they want are places. */
const leastAnswered = slowCount / 4

/** Too slow to go on, or too slow while others wait. */
const expected: ReadonlySet<string> = new Set(['408', '503'])

/** They come past the balancer, as its sockets are ours. */
const slow: Fault = {
  name: '2000 slow clients',
  seconds: 20,
  goesOn: true,
  async begin({ world, client, note }) {
    const { filesPorts: ports } = world
    const before = client.meter.quantile(0.99, client.meter.now() - 5000)
    const began = client.meter.now()
    const told = new Map<string, number>()
    let answered = 0
    const sockets = Array.from({ length: slowCount }, (_, index) =>
      dawdle(ports[Math.floor(index / 2) % ports.length] ?? 0, openingOf(index, client.apiKey), (status) => {
        told.set(status, (told.get(status) ?? 0) + 1)
        if (hasBody(index) && expected.has(status)) answered++
      }),
    )
    const timer = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('x')
    }, 2000)
    return async () => {
      clearInterval(timer)
      const left = sockets.filter(({ closed }) => !closed).length
      const p99 = client.meter.quantile(0.99, began)
      const statuses = [...told].map(([status, count]) => `${count} by a ${status}`).join(', ')
      note(`p99 of the others ${Math.round(before)} → ${Math.round(p99)} ms`)
      note(`${slowCount - left} of ${slowCount} slow ones shown the door${statuses && `: ${statuses}`}`)
      // Who is not let in, or not waited for, takes no place.
      const others = [...told.keys()].filter((status) => !expected.has(status))
      if (others.length > 0 || answered < leastAnswered)
        client.ledger.violate('no-effect', `slow clients were told ${statuses || 'nothing'}`)
      for (const socket of sockets) socket.destroy()
    }
  },
}

/** Half of them never end their headers, the others send a body byte by byte, as the tenant of all the rest: each wants one of 24 places. */
function openingOf(index: number, apiKey: string): string {
  const start = 'POST /api/v1/files HTTP/1.1\r\nhost: localhost\r\n'
  if (!hasBody(index)) return `${start}x-slow: `
  return `${start}authorization: Bearer ${apiKey}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 100000\r\n\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="slow"\r\n\r\n`
}

const hasBody = (index: number) => index % 2 === 1

function dawdle(port: number, opening: string, tell: (status: string) => void): Socket {
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(opening))
  socket.on('error', () => undefined)
  socket.once('data', (answer) => tell(answer.toString('latin1').split(' ', 2)[1] ?? 'nothing'))
  return socket.resume()
}

const times = 50

const sameKey: Fault = {
  name: 'the same key fifty times',
  seconds: 0,
  async begin({ client, note }: Chaos) {
    const content = cleanContent(smallSize())
    const name = randomUUID()
    const entry = client.ledger.open({ name, sha256: content.sha256, size: content.bytes.length, isInfected: false })
    const answers = await Promise.all(Array.from({ length: times }, () => insist(client, uploadCall(name, name, content.bytes))))
    const [first, ...others] = answers
    const different = others.filter((answer) => !isSame(answer, first ?? null)).length
    if (first?.status !== 201) client.ledger.violate('unexpected-answer', `the same key fifty times: ${first?.status}`)
    else Object.assign(entry, { state: 'clean', id: (JSON.parse(first.body.toString('utf8')) as { id: string }).id })
    if (different > 0) client.ledger.violate('doubled', `${different} of ${times} answers differ`)
    note(`${times - different} of ${times} answers are the same`)
    return async () => undefined
  },
}

function isSame(one: Answer | null, other: Answer | null): boolean {
  return one !== null && other !== null && one.status === other.status && one.body.equals(other.body)
}

export const clientFaults: readonly Fault[] = [sameKey, slow]
