import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent } from '../child.ts'

/** Stand-ins that take everything and keep nothing: for what is measured without what it is built on. */
export interface Sinks {
  readonly clamd: number
  readonly s3: number
  readonly otlp: number
}

export interface SinkSettings {
  /** What the store takes for each request, beyond reading it. */
  readonly s3Milliseconds: number
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const opening = Buffer.from('zINSTREAM\0')

/** Every stream is clean. */
function swallow(socket: Socket): void {
  let frames: ReturnType<typeof frameReader> | undefined
  socket.on('error', () => socket.destroy())
  socket.on('data', (data: Buffer) => {
    if (frames) return void (frames(data) && socket.end('stream: OK\0'))
    if (data.includes('PING')) return void socket.end('PONG\n')
    if (data.includes('VERSION')) return void socket.end('ClamAV 1.4.6/27791/Thu Oct 16 09:44:12 2025')
    frames = frameReader()
    return void (frames(data.subarray(opening.length)) && socket.end('stream: OK\0'))
  })
}

/** Skips frames as they come in pieces. Answers whether the one of length zero was among them, which ends a stream. */
function frameReader(): (data: Buffer) => boolean {
  let missing = 0
  let length: Buffer = Buffer.alloc(0)
  return (data) => {
    for (let at = 0; at < data.length; ) {
      if (missing > 0) {
        const skipped = Math.min(missing, data.length - at)
        missing -= skipped
        at += skipped
        continue
      }
      const part = data.subarray(at, at + 4 - length.length)
      at += part.length
      length = length.length === 0 ? part : Buffer.concat([length, part])
      if (length.length < 4) return false
      missing = length.readUInt32BE()
      length = Buffer.alloc(0)
      if (missing === 0) return true
    }
    return false
  }
}

/** As much of S3 as an upload into quarantine needs. */
async function store(request: IncomingMessage, response: ServerResponse, milliseconds: number): Promise<void> {
  const { method, url = '' } = request
  await finished(request.resume(), { writable: false })
  if (milliseconds > 0) await delay(milliseconds)
  const xml = (body: string) => response.setHeader('content-type', 'application/xml').end(`<?xml version="1.0"?>${body}`)
  response.setHeader('etag', '"0"')
  if (method === 'DELETE') return void response.writeHead(204).end()
  if (method !== 'POST') return void response.end()
  if (/[?&]uploads/.test(url)) xml('<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>')
  else xml('<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>')
}

async function open({ s3Milliseconds }: SinkSettings): Promise<Sinks> {
  const s3 = createHttpServer((request, response) => {
    store(request, response, s3Milliseconds).catch(() => response.destroy())
  })
  const otlp = createHttpServer((request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'application/x-protobuf').end())
  })
  return { clamd: await portOf(createServer(swallow)), s3: await portOf(s3), otlp: await portOf(otlp) }
}

answerParent(open)
