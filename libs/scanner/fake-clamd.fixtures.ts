import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface FakeClamd extends AsyncDisposable {
  host: string
  port: number
  /** Bytes of content that arrived, over all connections. */
  received: number
  /** Connections that are open now. */
  open: Set<Socket>
}

export interface Script {
  /** What VERSION is answered with; null is silence. */
  version?: () => string | null | Promise<string>
  /** Whether PING is answered. */
  alive?: () => boolean
  /** With the first byte of the content. */
  onContent?: (socket: Socket) => void
  /** With the frame of length zero. */
  onEnd?: (socket: Socket) => void
}

export const officialVersion = 'ClamAV 1.4.6/27791/Thu Oct 16 09:44:12 2025'

/** Something that speaks clamd's protocol and behaves as no well clamd does. What a real one answers is tested with a real one. */
export async function fakeClamd(script: Script): Promise<FakeClamd> {
  const server = createServer({ allowHalfOpen: true })
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    serve(socket)
  })

  function serve(socket: Socket): void {
    let bytes: Buffer = Buffer.alloc(0)
    let isStream = false
    socket.on('end', () => socket.end())
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data])
      if (bytes.indexOf('PING') === 0 && (script.alive?.() ?? true)) socket.end('PONG\n')
      if (bytes.indexOf('nVERSION') === 0) void answerVersion(socket)
      if (!isStream && bytes.indexOf('zINSTREAM\0') === 0) {
        isStream = true
        bytes = bytes.subarray(10)
      }
      if (isStream) bytes = takeFrames(bytes, socket)
    })
  }

  async function answerVersion(socket: Socket): Promise<void> {
    const version = script.version ? await script.version() : officialVersion
    if (version !== null) socket.end(version)
  }

  function takeFrames(bytes: Buffer, socket: Socket): Buffer {
    let rest = bytes
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const length = rest.readUInt32BE()
      rest = rest.subarray(4 + length)
      if (length === 0) script.onEnd?.(socket)
      else if (fake.received === 0) script.onContent?.(socket)
      fake.received += length
    }
    return rest
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const fake: FakeClamd = {
    host: '127.0.0.1',
    port,
    received: 0,
    open,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return fake
}
