import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { Authenticator, Principal } from '@slipway/auth'
import { type ProblemDetails, problem } from '@slipway/problem'

import { createHttpApp, type HttpAppOptions, type HttpServer, listen, type RequestEnd, type Route } from './index.ts'

export const acme = { id: '019aa5a0-0000-7000-8000-00000000000a', slug: 'acme' }
export const other = { id: '019aa5a0-0000-7000-8000-00000000000b', slug: 'other' }

const principals: Record<string, Principal> = {
  member: { kind: 'user', id: 'u1', tenant: acme, role: 'member', scopes: ['*'] },
  viewer: { kind: 'user', id: 'u2', tenant: acme, role: 'viewer', scopes: ['*'] },
  narrow: { kind: 'key', id: 'k1', tenant: acme, role: 'owner', scopes: ['other:read'] },
  foreign: { kind: 'user', id: 'u1', tenant: other, role: 'member', scopes: ['*'] },
  homeless: { kind: 'user', id: 'u3', scopes: ['*'] },
  operator: { kind: 'operator', id: 'o1', scopes: ['*'] },
}

/** Knows its callers by name instead of by signature: what verifies credentials has its own tests. */
export const namedCallers: Authenticator = {
  authenticate: async ({ headers }) => {
    const name = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    if (name === undefined) return null
    const principal = principals[name]
    if (!principal) throw problem('auth.invalid')
    return principal
  },
}

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  fields: Record<string, unknown>
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly server: HttpServer
  readonly logs: LogLine[]
  readonly ends: RequestEnd[]
  /** Resolves with the end of the next request. */
  nextEnd(): Promise<RequestEnd>
  fetch(path: string, init?: RequestInit & { as?: string }): Promise<Response>
}

type TestOptions<Context> = Partial<HttpAppOptions<Context>> & { routes?: readonly Route<Context>[]; closeSeconds?: number }

/** A real server on a free port, with the real pipeline. */
export async function serve<Context>(options: TestOptions<Context>): Promise<TestServer> {
  const logs: LogLine[] = []
  const ends: RequestEnd[] = []
  const waiting: ((end: RequestEnd) => void)[] = []
  const write = (level: LogLine['level']) => (fields: object, message: string) => void logs.push({ level, message, fields: { ...fields } })
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const onRequestEnd = (end: RequestEnd) => {
    ends.push(end)
    waiting.shift()?.(end)
  }
  const app = createHttpApp({ auth: namedCallers, log, onRequestEnd, ...options })
  const server = await listen(app, { host: '127.0.0.1', port: 0, closeSeconds: options.closeSeconds ?? 1 })
  return {
    url: server.url,
    port: server.port,
    server,
    logs,
    ends,
    nextEnd: () => new Promise((resolve) => waiting.push(resolve)),
    fetch: (path, { as, ...init } = {}) => {
      const headers = new Headers(init.headers)
      if (as) headers.set('authorization', `Bearer ${as}`)
      return fetch(server.url + path, { ...init, headers })
    },
    [Symbol.asyncDispose]: () => server.close(0),
  }
}

export async function problemIn(response: Response): Promise<ProblemDetails> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) throw new Error(await response.text())
  return (await response.json()) as ProblemDetails
}

export function pointersOf(details: ProblemDetails): string[] {
  return (details.errors ?? []).map(({ pointer }) => pointer)
}

export function json(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** A connection that says exactly what the test says. */
export interface RawClient extends Disposable {
  readonly socket: Socket
  /** Resolves when the other side has ended or reset the connection; gives all it had sent. */
  readonly answer: Promise<string>
  send(data: string | Uint8Array): Promise<void>
  /** Resolves with all that came so far, once it matches. */
  until(pattern: RegExp): Promise<string>
}

export async function raw(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  const waits: { pattern: RegExp; resolve: (text: string) => void }[] = []
  const look = () => {
    for (const wait of waits) if (wait.pattern.test(received)) wait.resolve(received)
  }
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    look()
  })
  const answer = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(received))
  })
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  return {
    socket,
    answer,
    send: (data) => new Promise((resolve) => void socket.write(data, () => resolve())),
    until: (pattern) =>
      new Promise((resolve) => {
        waits.push({ pattern, resolve })
        look()
      }),
    [Symbol.dispose]: () => socket.destroy(),
  }
}

export interface FormPart {
  name?: string
  fileName?: string
  type?: string
  data: string | Uint8Array
  /** Instead of the headers made from the rest. */
  headers?: string
}

export const boundary = 'testboundary'

export function multipartBody(parts: readonly FormPart[], { closed = true } = {}): Buffer {
  const pieces = parts.flatMap(({ name = '', fileName, type, data, headers }) => {
    const disposition = `Content-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}`
    const head = headers ?? `${disposition}${type ? `\r\nContent-Type: ${type}` : ''}`
    return [Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), Buffer.from(data), Buffer.from('\r\n')]
  })
  return Buffer.concat([...pieces, Buffer.from(closed ? `--${boundary}--\r\n` : '')])
}

export function upload(parts: readonly FormPart[], headers: Record<string, string> = {}): RequestInit {
  return {
    method: 'POST',
    body: new Uint8Array(multipartBody(parts)),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, ...headers },
  }
}
