import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { here } from './client.ts'

export interface RawRequest {
  /** To go on sending; the answer may come before the end. */
  write(chunk: Buffer): boolean
  end(chunk?: Buffer): void
  destroy(): void
  readonly answer: ReturnType<typeof answerOf>
}

/** A request whose headers and body the test makes itself, byte by byte. */
export function raw(method: string, path: string, headers: Record<string, string>): RawRequest {
  const url = new URL(path, here.url)
  const make = url.protocol === 'https:' ? secureRequest : request
  const sent = make(url, { method, headers: { authorization: `Bearer ${here.apiKey}`, ...headers } })
  sent.flushHeaders()
  return {
    write: (chunk) => sent.write(chunk),
    end: (chunk) => void (chunk === undefined ? sent.end() : sent.end(chunk)),
    destroy: () => void sent.destroy(),
    answer: answerOf(sent),
  }
}

async function answerOf(sent: ReturnType<typeof request>) {
  const broken = Promise.withResolvers<never>()
  // A server that refuses early may close the connection while we still write: what counts is its answer.
  let answered = false
  sent.on('error', (error) => answered || broken.reject(error))
  broken.promise.catch(() => undefined)
  const [message] = (await Promise.race([once(sent, 'response'), broken.promise])) as [IncomingMessage]
  answered = true
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return { status: message.statusCode ?? 0, headers: message.headers, body: Buffer.concat(chunks).toString('utf8') }
}

const boundary = 'e2e-boundary-7f3a'

export const multipartType = `multipart/form-data; boundary=${boundary}`

const piece = Buffer.alloc(64 * 1024, 'x')

/**
 * The answer to a request whose body goes on, as a client on a slow line sends it. Without more bytes there would be none behind some
 * proxies: those of Go hold back the first bytes of a body, and an early answer for as long as they wait for the next ones.
 */
export async function answeredEarly(request: RawRequest, begin: Buffer): ReturnType<typeof answerOf> {
  request.write(begin)
  const clock = setInterval(() => request.write(piece), 50)
  try {
    return await request.answer
  } finally {
    clearInterval(clock)
    request.destroy()
  }
}

export interface Part {
  readonly name: string
  readonly filename?: string
  readonly content: string | Buffer
}

/** The body of a form, complete unless `closed` says otherwise. */
export function form(parts: readonly Part[], { closed = true } = {}): Buffer {
  const bytes = parts.flatMap(({ name, filename, content }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\ncontent-type: application/octet-stream`
    return [
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]
  })
  return Buffer.concat([...bytes, Buffer.from(closed ? `--${boundary}--\r\n` : '')])
}
