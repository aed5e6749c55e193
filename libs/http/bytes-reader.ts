import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { problem } from '@slipway/problem'
import { BodySource, hasBody, type Pace } from './body-source.ts'
import { anyType, type Bytes } from './bytes.ts'
import type { Exchange } from './exchange.ts'
import { requireIdentity } from './json-body.ts'

/** A body on its way in. Dispose it when its answer is decided: it stops reading from the connection, but leaves that open. */
export interface IncomingBytes extends Disposable {
  /** Fails with request.timeout or ClientGone. Nothing is asked of the client before it is read. */
  readonly stream: Readable
  /** Null until all of the body was received, or when no digest was asked for. */
  sha256: () => string | null
}

export interface BytesOptions {
  contract: Bytes
  pace: Pace
  /** Take the sha256 of the body on its way through. */
  digest: boolean
}

/** @throws request.unsupported-media-type */
export function openBytes(exchange: Exchange, { contract, pace, digest }: BytesOptions): IncomingBytes {
  const { request } = exchange
  if (hasBody(request) || !contract.optional) {
    requireType(request.headers['content-type'], contract.type)
    requireIdentity(request.headers['content-encoding'])
  }
  let source: BodySource | undefined
  const hash = digest ? createHash('sha256') : null
  let sha256: string | null = null
  async function* chunks() {
    source = new BodySource(exchange, pace)
    for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) {
      hash?.update(chunk)
      yield chunk
    }
    sha256 = hash?.digest('hex') ?? null
  }
  const stream = Readable.from(chunks(), { objectMode: false })
  // A failure may come when nobody reads any more.
  stream.on('error', () => undefined)
  return {
    stream,
    sha256: () => sha256,
    [Symbol.dispose]() {
      source?.[Symbol.dispose]()
      stream.destroy()
    },
  }
}

function requireType(sent: string | undefined, type: string): void {
  if (type === anyType || sent?.toLowerCase().split(';', 1)[0]?.trim() === type) return
  throw problem('request.unsupported-media-type', {
    detail: `the body must be ${type}, not ${sent?.slice(0, 100) ?? 'without a type'}`,
    errors: [{ pointer: '/headers/content-type', detail: `must be ${type}` }],
    headers: { accept: type },
  })
}
