import { connect } from 'node:net'
import { answerParent } from '../child.ts'

/** What to ask for, over and over, on connections that are kept: one request at a time on each. */
export interface Load {
  readonly port: number
  /** Whole requests; connection n sends the nth. */
  readonly requests: readonly string[]
  readonly connections: number
  readonly seconds: number
}

export interface Answered {
  readonly answers: number
  /** Of the bodies. */
  readonly bytes: number
  readonly seconds: number
}

const bufferBytes = 262_144

async function run({ port, requests, connections, seconds }: Load): Promise<Answered> {
  const began = performance.now()
  const totals = { answers: 0, bytes: 0, until: began + seconds * 1000 }
  const texts = requests.map((request) => Buffer.from(request))
  await Promise.all(
    Array.from({ length: connections }, (_, index) => callAgain(port, texts[index % texts.length] ?? Buffer.alloc(0), totals)),
  )
  return { answers: totals.answers, bytes: totals.bytes, seconds: (performance.now() - began) / 1000 }
}

interface Totals {
  answers: number
  bytes: number
  readonly until: number
}

/** One caller. Its last answer is waited for, and counts. */
function callAgain(port: number, request: Buffer, totals: Totals): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let missing = 0
  const take = (data: Buffer) => {
    let bytes = data.length
    if (missing === 0) {
      const { head, body } = lengths(data)
      bytes -= head
      missing = body
    }
    totals.bytes += bytes
    missing -= bytes
    if (missing > 0) return
    if (missing < 0) throw new Error('more came than the answer was to have')
    totals.answers++
    if (performance.now() < totals.until) {
      socket.write(request)
    } else {
      socket.end()
      resolve()
    }
  }
  const callback = (bytes: number, buffer: Uint8Array) => {
    try {
      take(Buffer.from(buffer.buffer, buffer.byteOffset, bytes))
      return true
    } catch (error) {
      reject(error)
      return false
    }
  }
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer: Buffer.alloc(bufferBytes), callback } })
  socket.once('connect', () => void socket.write(request))
  socket.once('error', reject)
  socket.once('close', () => reject(new Error('the connection was closed before its answer')))
  return promise
}

/** Heads come in one piece here: they are small, and written at once. */
function lengths(data: Buffer): { head: number; body: number } {
  const end = data.indexOf('\r\n\r\n')
  const head = data.toString('latin1', 0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (!head.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(`unexpected: ${data.toString('latin1', 0, 500)}`)
  return { head: end + 4, body: Number(length) }
}

answerParent(run)
