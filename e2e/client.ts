import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { installation } from './environment.ts'

export const here = installation()

export interface Problem {
  type: string
  title: string
  status: number
  code: string
  detail?: string
  traceId?: string
  errors?: { pointer: string; detail: string }[]
  [extension: string]: unknown
}

export interface StoredFile {
  id: string
  name: string
  folderId: string | null
  size: number
  contentType: string
  sha256: string
  verdict: string
  scan: { engine: string; database: string; at: string; milliseconds: number } | null
  etag: string
  createdAt: string
  updatedAt: string
  trashedAt: string | null
}

interface CallOptions {
  /** Bearer credential; the API key of the environment without it, nobody with `null`. */
  as?: string | null
  json?: unknown
  body?: FormData | Uint8Array | string
  headers?: Record<string, string>
}

export function call(method: string, path: string, options: CallOptions = {}): Promise<Response> {
  const { as = here.apiKey, json, body, headers = {} } = options
  return fetch(new URL(path, here.url), {
    method,
    headers: {
      ...(as === null ? {} : { authorization: `Bearer ${as}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(body === undefined ? {} : { body }),
    redirect: 'manual',
  })
}

/** The body of an answer that must have this status; otherwise the whole answer stands in the error. */
export async function expectStatus<T>(answer: Response | Promise<Response>, status: number): Promise<T> {
  const response = await answer
  const text = await response.text()
  if (response.status !== status) throw new Error(`${response.url}: expected ${status}, got ${response.status}: ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** A problem of RFC 9457 as every failure of the platform must be one. */
export async function expectProblem(answer: Response | Promise<Response>, status: number, code?: string): Promise<Problem> {
  const response = await answer
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  if (response.status !== status || !type.startsWith('application/problem+json')) {
    throw new Error(`${response.url}: expected a problem ${status} ${code ?? ''}, got ${response.status} ${type}: ${text}`)
  }
  const problem = JSON.parse(text) as Problem
  if (code !== undefined && problem.code !== code) throw new Error(`${response.url}: expected ${code}, got ${text}`)
  return problem
}

interface UploadOptions extends Omit<CallOptions, 'json' | 'body'> {
  name?: string
  type?: string
  /** Fields before the file. */
  fields?: Record<string, string>
}

export function upload(content: Uint8Array | string, options: UploadOptions = {}): Promise<Response> {
  const { name = unique('file.bin'), type = 'application/octet-stream', fields = {}, ...rest } = options
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.append(field, value)
  form.append('file', new Blob([content], { type }), name)
  return call('POST', '/api/v1/files', { ...rest, body: form })
}

/** A file that is stored and clean. */
export async function stored(content: Uint8Array | string, options: UploadOptions = {}): Promise<StoredFile> {
  const response = await upload(content, options)
  if (response.status !== 202) return expectStatus<StoredFile>(response, 201)
  const pending = await expectStatus<StoredFile>(response, 202)
  return settled(pending.id, options.as)
}

/** The file once it has its verdict. */
export async function settled(id: string, as?: string | null): Promise<StoredFile> {
  return until(async () => {
    const file = await expectStatus<StoredFile>(call('GET', `/api/v1/files/${id}`, as === undefined ? {} : { as }), 200)
    return file.verdict === 'pending' ? undefined : file
  })
}

/** What another party brings about in its own time: asked again until it is there. */
export async function until<T>(look: () => Promise<T | undefined>, seconds = 30): Promise<T> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`it did not come about within ${seconds} s`)
    await delay(100)
  }
}

/** Names that no other test and no earlier run has. */
export function unique(name: string): string {
  return `${randomBytes(5).toString('hex')}-${name}`
}
