import { once } from 'node:events'
import { createServer as createHttpServer, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { createScanner, type Scanner, type ScannerOptions } from '@slipway/scanner'
import { testScanner, testStorage } from '@slipway/testing'
import type { StorageOptions } from './connection.ts'
import { createScanGate, type ScanGate } from './gate.ts'
import { createStorage, type Storage } from './storage.ts'
import { abortOpenUploads, sweepQuarantine } from './sweep.ts'

export const readable = 'files'

export interface GateUnderTest extends AsyncDisposable {
  storage: Storage
  scanner: Scanner
  gate: ScanGate
  bucketPrefix: string
}

export interface GateChanges {
  scanner?: Partial<ScannerOptions>
  crowd?: StorageOptions['crowd']
  /** Endpoint of a proxy in front of the store. */
  endpoint?: string
  /** Of another gate, whose buckets it takes over. */
  bucketPrefix?: string
}

/** A gate on the real stores of the run, with buckets of its own. */
export async function openGate(changes: GateChanges = {}): Promise<GateUnderTest> {
  const stack = new AsyncDisposableStack()
  const made = stack.use(await testStorage())
  const config = { ...made.config, bucketPrefix: changes.bucketPrefix ?? made.bucketPrefix, crowd: changes.crowd }
  const direct = stack.use(createStorage(config))
  await direct.ensureBuckets([readable])
  const storage = changes.endpoint ? stack.use(createStorage({ ...config, endpoint: changes.endpoint })) : direct
  const limits = { connections: 2, queueSeconds: 60, idleSeconds: 30 }
  const scanner = stack.use(createScanner({ ...testScanner(), ...limits, ...changes.scanner }))
  const { bucketPrefix } = config
  return { storage, scanner, gate: createScanGate({ storage, scanner }), bucketPrefix, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const tomorrow = () => new Date(Date.now() + 86_400_000)

/** Keys in quarantine; looks with the sweeper, and lets everything stay. */
export async function quarantined(storage: Storage): Promise<string[]> {
  const keys: string[] = []
  const isKnown = async (page: string[]) => {
    keys.push(...page)
    return new Set(page)
  }
  await sweepQuarantine(storage, { olderThan: tomorrow(), isKnown })
  return keys
}

/** How many multipart uploads were open. They are aborted on the way. */
export function openUploads(storage: Storage): Promise<number> {
  return abortOpenUploads(storage, { olderThan: tomorrow(), buckets: [readable] })
}

/** Content in chunks as they come from a socket. */
export function streamed(content: Buffer, chunkBytes = 65_536): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes)
    })(),
  )
}

export interface Proxy extends AsyncDisposable {
  endpoint: string
  /** Cuts what is open, and everything that comes. */
  cut(): void
  restore(): void
}

/** Stands between us and the store, and fails when it is told to. */
export async function proxyTo(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(Number(port), hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: Proxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    restore() {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      proxy.cut()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** What happens to a request on its way: it passes, the store is too busy for it, or its answer breaks off after so many bytes of body. */
export type Fault = 'pass' | 'slow-down' | { cutAfter: number }

export interface FaultyStore extends AsyncDisposable {
  endpoint: string
  /** Decides for each request. */
  fault: (request: { method: string; url: string }) => Fault
  /** Connections that are open now. */
  connections(): Promise<number>
}

/** Stands between us and the store, and fails single requests. */
export async function faultyStore(target: string): Promise<FaultyStore> {
  const { hostname, port } = new URL(target)
  const server = createHttpServer((near, answer) => {
    const { method = '', url = '', headers } = near
    const fault = store.fault({ method, url })
    if (fault === 'slow-down') {
      near.resume()
      answer.writeHead(503, { 'content-type': 'application/xml' }).end('<Error><Code>SlowDown</Code><Message>later</Message></Error>')
      return
    }
    const far = request({ hostname, port, method, path: url, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      if (fault === 'pass') return reply.pipe(answer)
      let given = 0
      return reply.on('data', (chunk: Buffer) => {
        if (given >= fault.cutAfter) return
        answer.write(chunk.subarray(0, fault.cutAfter - given))
        given += chunk.length
        if (given >= fault.cutAfter) answer.socket?.destroySoon()
      })
    })
    far.on('error', () => answer.destroy())
    answer.on('close', () => far.destroy())
    near.pipe(far)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const store: FaultyStore = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => 'pass',
    connections: () => new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count)))),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return store
}
