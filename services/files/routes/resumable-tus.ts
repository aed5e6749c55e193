import type { Readable } from 'node:stream'
import type { Input } from '@slipway/http'
import { isProblem, type ProblemCode, problem } from '@slipway/problem'
import { ERRORS, Server } from '@tus/server'
import type { FilesContext } from '../context.ts'
import { ResumableStore, type UploadRequest } from '../domain/resumable-store.ts'

export const tusVersion = '1.0.0'
export const resumablePath = '/api/v1/files/resumable'

/** How long a request that is to let go may still take bytes: enough for one that is about to end. */
const drainMilliseconds = 500

export interface TusCall extends UploadRequest {
  readonly method: 'POST' | 'HEAD' | 'PATCH' | 'DELETE'
  readonly headers: Input['request']['headers']
  readonly stream?: Readable
}

export interface TusAnswer {
  readonly headers: Record<string, string>
  /** The upload as it stands now. */
  readonly row: ResumableStore['row']
}

/**
 * Lets @tus/server answer, and speaks for it as every route of ours does: what it refuses is thrown as a problem, what it says about
 * origins is left to the edge. It sees nothing of the request but what belongs to the protocol, credentials least of all.
 * @throws a problem for whatever is refused
 */
export async function callTus(context: FilesContext, call: TusCall): Promise<TusAnswer> {
  requireVersion(call.headers)
  const store = new ResumableStore(context, call)
  const failures: unknown[] = []
  const fail = (error: unknown) => void failures.push(error)
  const server = new Server({
    path: resumablePath,
    datastore: store,
    locker: store.locker,
    maxSize: context.limits.fileBytes,
    relativeLocation: true,
    lockDrainTimeout: drainMilliseconds,
    disableTerminationForFinishedUploads: true,
    namingFunction: () => call.id,
    getFileIdFromRequest: () => call.id,
    onResponseError: (_request, error) => fail(error),
  })
  const incoming = call.stream ? { stream: call.stream, fail } : null
  const response = await server.handleWeb(requestOf(call, incoming))
  if (failures.length > 0) throw failureOf(failures)
  if (response.status >= 400) throw refusal({ status_code: response.status, body: await response.text() })
  return { headers: shownHeaders(response.headers), row: store.row }
}

/** Another version is refused before anything is done (tus 1.0, "Tus-Version"). */
function requireVersion(headers: TusCall['headers']): void {
  const sent = headers['tus-resumable']
  if (sent === tusVersion) return
  throw problem('upload.version-unsupported', {
    detail: `Tus-Resumable must be ${tusVersion}, not ${sent === undefined ? 'absent' : String(sent).slice(0, 20)}`,
    headers: { 'tus-version': tusVersion },
  })
}

const passed = [
  'tus-resumable',
  'upload-offset',
  'upload-length',
  'upload-defer-length',
  'upload-metadata',
  'content-type',
  'content-length',
]

interface Incoming {
  stream: Readable
  fail: (error: unknown) => void
}

function requestOf({ method, headers, id }: TusCall, incoming: Incoming | null): Request {
  const sent = passed.flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' ? [[name, value] as [string, string]] : []
  })
  const url = new URL(method === 'POST' ? resumablePath : `${resumablePath}/${id}`, 'http://localhost')
  if (!incoming || method === 'HEAD' || method === 'DELETE') return new Request(url, { method, headers: sent })
  return new Request(url, { method, headers: sent, body: ReadableStream.from(whatComes(incoming)), duplex: 'half' })
}

/** The client going away, or coming too slowly, ends the stream as its end would: what has come by then is kept. */
async function* whatComes({ stream, fail }: Incoming): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Buffer
  } catch (error) {
    fail(error)
  }
}

/** What the store or the lock had to say is more than what became of it on its way through @tus/server. */
function failureOf(failures: readonly unknown[]): unknown {
  return failures.find((failure) => isProblem(failure)) ?? refusal(failures[0])
}

const codes: Readonly<Record<number, ProblemCode>> = {
  400: 'request.parameters-invalid',
  403: 'request.parameters-invalid',
  404: 'resource.not-found',
  409: 'upload.offset-mismatch',
  410: 'resource.gone',
  412: 'upload.version-unsupported',
  413: 'file.too-large',
}

function refusal(error: unknown): unknown {
  if (error === ERRORS.ABORTED) return problem('upload.locked', { detail: 'another request goes on with this upload', retryAfter: 1 })
  if (error === ERRORS.INVALID_TERMINATION) return problem('resource.conflict', { detail: 'the upload is finished: delete the file' })
  if (!isTusError(error)) return error
  const code = codes[error.status_code]
  return code ? problem(code, { detail: error.body.trim() }) : error
}

function isTusError(error: unknown): error is { status_code: number; body: string } {
  return typeof error === 'object' && error !== null && 'status_code' in error && 'body' in error
}

const shown = ['location', 'upload-offset', 'upload-length', 'upload-defer-length', 'upload-metadata', 'upload-expires']

function shownHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    shown.flatMap((name) => {
      const value = headers.get(name)
      return value === null ? [] : [[name, value]]
    }),
  )
}
