import { once } from 'node:events'
import { Agent, request as ask, createServer, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { portOf, type Way } from './way.ts'

/**
 * What becomes of a request to the object store: `errors` = 500 for one in twenty, `slow` = ten seconds before it is passed on,
 * `cut` = the connection is cut in the middle of one body in four, `full` = 507 for what would write.
 */
export type S3Manner = 'pass' | 'errors' | 'slow' | 'cut' | 'full'

export interface S3Way extends Way {
  manner: S3Manner
  readonly endpoint: string
  /** Parts of multipart uploads that were cut. */
  readonly cutParts: number
}

interface S3WayOptions {
  /** Of the store. */
  readonly port: number
  readonly slowMilliseconds?: number
  /** From 0 to 1, decides who is hit. */
  readonly random?: () => number
}

/** At the level of HTTP. The `Host` stays as the client has signed it. */
export async function openS3Way({ port, slowMilliseconds = 10_000, random = Math.random }: S3WayOptions): Promise<S3Way> {
  const agent = new Agent({ keepAlive: true })
  let cutParts = 0
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    response.on('error', () => undefined)
    void handle(request, response).catch(() => response.destroy())
  })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { manner } = way
    if (manner === 'errors' && random() < 0.05) return refuse(request, response, failures.internal)
    if (manner === 'full' && /^(PUT|POST)$/.test(request.method ?? '') && !isRemoval(request))
      return refuse(request, response, failures.full)
    if (manner === 'slow') await delay(slowMilliseconds)
    // Whoever has left meanwhile sends no body any more, for which the store would wait on a connection that nobody closes.
    if (response.destroyed) return
    const cut = manner === 'cut' && random() < 0.25
    if (cut && request.method === 'PUT' && /[?&]partNumber=/.test(request.url ?? '')) cutParts++
    forward(request, response, { options: { port, agent }, cut })
  }

  const bound = await portOf(server)
  const way = {
    manner: 'pass' as S3Manner,
    port: bound,
    endpoint: `http://127.0.0.1:${bound}`,
    get cutParts() {
      return cutParts
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
  return way
}

/** `POST /bucket?delete` frees room. */
function isRemoval({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && /[?&]delete\b/.test(url)
}

interface S3Failure {
  readonly status: number
  readonly code: string
}

const failures = { internal: { status: 500, code: 'InternalError' }, full: { status: 507, code: 'InsufficientStorage' } } as const

function refuse(request: IncomingMessage, response: ServerResponse, { status, code }: S3Failure): void {
  request.resume()
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>by the way</Message></Error>`)
}

interface Forwarding {
  readonly options: RequestOptions
  /** In the middle of the body, be it that of the request or that of the answer. */
  readonly cut: boolean
}

function forward(request: IncomingMessage, response: ServerResponse, { options, cut }: Forwarding): void {
  const onward = ask({
    ...options,
    host: '127.0.0.1',
    method: request.method,
    path: request.url,
    headers: request.rawHeaders,
    setHost: false,
  })
  const end = () => {
    onward.destroy()
    request.socket.destroy()
  }
  onward.on('error', end)
  response.once('close', () => {
    if (!response.writableFinished) end()
  })
  const sends = Number(request.headers['content-length'] ?? 0) > 0
  if (cut && sends) cutAfter(request, Number(request.headers['content-length']) / 2, end)
  onward.once('response', (answer) => {
    answer.on('error', end)
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    if (cut && !sends) cutAfter(answer, Number(answer.headers['content-length'] ?? 0) / 2, end)
    answer.pipe(response)
  })
  request.pipe(onward)
}

function cutAfter(body: IncomingMessage, bytes: number, cut: () => void): void {
  let seen = 0
  body.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (seen >= bytes) cut()
  })
}
