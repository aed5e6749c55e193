import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { describeSpan, idsOfPath } from '@slipway/telemetry/span'
import type { Request, RequestHandler, Response } from 'express'
import { type AccessOptions, admit, callerOf } from './access.ts'
import { defaultAnswerSeconds, watchAnswer } from './answer-deadline.ts'
import { defaultPace, type Pace } from './body-source.ts'
import { isBytes } from './bytes.ts'
import { openBytes } from './bytes-reader.ts'
import type { Contract, Input, Route } from './contract.ts'
import { type Exchange, exchangeOf } from './exchange.ts'
import { sendFailure } from './failure.ts'
import { fingerprintOf, type IdempotencyHandle, type IdempotencyStore, parseIdempotencyKey } from './idempotency.ts'
import { claim, noKey, replay, runOnce } from './idempotent-run.ts'
import { defaultBodyBytes, readJson } from './json-body.ts'
import { isMultipart } from './multipart.ts'
import { openUpload, type Upload, type UploadOptions } from './multipart-reader.ts'
import { limitRate, type RateOptions } from './rate-limit.ts'
import { compileRender, plain, type Render } from './render.ts'
import { type AnyReply, isStreamReply } from './reply.ts'
import { sendRendered, sendStream } from './send.ts'
import { takesKey } from './takes-key.ts'
import { type Check, compileContract, type Validators } from './validate.ts'

/** A route with the context of its service. */
export interface BoundRoute {
  readonly route: Route
  readonly context: unknown
  readonly idempotency: IdempotencyStore | null
}

export interface PipelineOptions extends AccessOptions, RateOptions {
  pace?: Pace | undefined
  /** How long an answer may take, not counting what the client makes us wait. */
  answerSeconds?: number | undefined
}

/** A route, ready to serve: all that can be worked out from the contract is worked out once. */
interface Prepared extends BoundRoute {
  readonly contract: Contract
  readonly validators: Validators
  readonly render: Render
  readonly checkFields: Check | null
  readonly takesKey: boolean
  readonly idsOf: ReturnType<typeof idsOfPath>
  readonly options: PipelineOptions
  readonly pace: Pace
}

export function serveRoute(bound: BoundRoute, options: PipelineOptions): RequestHandler {
  const { contract } = bound.route
  const prepared: Prepared = {
    ...bound,
    contract,
    options,
    validators: compileContract(contract),
    render: compileRender(contract),
    checkFields: isMultipart(contract.body) ? compileContract({ ...contract, body: contract.body.fields }).body : null,
    takesKey: takesKey(contract),
    idsOf: idsOfPath(contract.path),
    pace: options.pace ?? defaultPace,
  }
  const deadline = { seconds: options.answerSeconds ?? defaultAnswerSeconds, log: options.log }
  return async (request: Request, response: Response) => {
    const exchange = exchangeOf(request, response)
    exchange.matched(contract.path, contract.operation)
    exchange.routeHeaders = contract.always ?? null
    using _deadline = watchAnswer(exchange, deadline)
    try {
      await serve(exchange, prepared)
    } catch (error) {
      await sendFailure(exchange, error, options.log)
    }
  }
}

async function serve(exchange: Exchange, prepared: Prepared): Promise<void> {
  const { contract, options, validators } = prepared
  const { rate } = contract
  if (rate?.by === 'ip') await limitRate(exchange, rate, options)
  await admit(exchange, contract.auth, options)
  if (rate?.by === 'principal') await limitRate(exchange, rate, options)
  const base = {
    params: validators.params(exchange.request.params),
    query: validators.query(exchange.search),
    headers: validators.headers(exchange.headers),
    principal: exchange.principal,
    tenant: exchange.tenant,
    request: exchange,
  }
  describeSpan(() => ({ tenant: exchange.tenant?.id, ...prepared.idsOf(exchange.request.params) }))
  const key = prepared.takesKey && prepared.idempotency ? parseIdempotencyKey(exchange.headers['idempotency-key']) : null
  await (isMultipart(contract.body) || isBytes(contract.body)
    ? serveUpload(exchange, prepared, { base, key })
    : serveJson(exchange, prepared, { base, key }))
}

/** What both kinds of request share: the checked input without its body, and the key that the client sent. */
interface Opened {
  readonly base: object
  readonly key: string | null
}

async function serveJson(exchange: Exchange, prepared: Prepared, { base, key }: Opened): Promise<void> {
  const { contract, validators, pace } = prepared
  const raw = validators.body ? await readJson(exchange, { limit: contract.bodyBytes ?? defaultBodyBytes, pace }) : undefined
  const body = validators.body?.(raw)
  const handle = (idempotency: IdempotencyHandle) => run(prepared, { ...base, body, parts: undefined, idempotency })
  const store = prepared.idempotency
  if (key === null || store === null) return sendAnswer(exchange, prepared, await handle(noKey))
  const fingerprint = fingerprintOf({ ...target(exchange), body: raw })
  const once = { ...onceOptions(exchange, prepared, { store, key }), fingerprint: () => fingerprint, handle }
  const begun = claim(await store.begin(once.scope, fingerprint))
  if (begun.state === 'answered') return replay(exchange, begun, fingerprint)
  return sendAnswer(exchange, prepared, await runOnce(once, begun.attempt))
}

/** The key is looked at before the body is asked for; what it was used for is known only after all of the body has come. */
async function serveUpload(exchange: Exchange, prepared: Prepared, { base, key }: Opened): Promise<void> {
  const store = prepared.idempotency
  if (key === null || store === null)
    return sendAnswer(exchange, prepared, await runUpload(exchange, prepared, { base, idempotency: noKey }))
  let upload: Incoming | null = null
  const once = {
    ...onceOptions(exchange, prepared, { store, key }),
    fingerprint: () => upload?.fingerprint() ?? null,
    handle: (idempotency: IdempotencyHandle) =>
      runUpload(exchange, prepared, {
        base,
        idempotency,
        onOpen: (opened) => {
          upload = opened
        },
      }),
  }
  const begun = claim(await store.begin(once.scope, null))
  if (begun.state === 'answered') return replay(exchange, begun, await fingerprintUpload(exchange, prepared))
  return sendAnswer(exchange, prepared, await runOnce(once, begun.attempt))
}

interface UploadRun {
  base: Opened['base']
  idempotency: IdempotencyHandle
  onOpen?: (upload: Incoming) => void
}

async function runUpload(exchange: Exchange, prepared: Prepared, { base, idempotency, onOpen }: UploadRun): Promise<AnyReply> {
  using upload = await openIncoming(exchange, prepared, idempotency.key !== null)
  onOpen?.(upload)
  // Awaited here, so that the upload is not disposed of before the handler is done with it.
  return await run(prepared, { ...base, ...upload.input, body: undefined, idempotency })
}

/** A body that the handler reads as it comes. */
interface Incoming extends Disposable {
  readonly input: { readonly parts: Upload | undefined; readonly stream: Readable | undefined }
  readonly bytes: Readable
  readonly fingerprint: () => string | null
}

async function openIncoming(exchange: Exchange, prepared: Prepared, digest: boolean): Promise<Incoming> {
  const { contract, pace } = prepared
  if (isBytes(contract.body)) {
    const incoming = openBytes(exchange, { contract: contract.body, pace, digest })
    const fingerprint = () => bytesFingerprint(exchange, incoming.sha256())
    const input = { parts: undefined, stream: incoming.stream }
    return { input, bytes: incoming.stream, fingerprint, [Symbol.dispose]: () => incoming[Symbol.dispose]() }
  }
  const upload = await openUpload(exchange, uploadOptions(prepared, digest))
  const fingerprint = () => uploadFingerprint(exchange, upload)
  const input = { parts: upload, stream: undefined }
  return { input, bytes: upload.file.stream, fingerprint, [Symbol.dispose]: () => upload[Symbol.dispose]() }
}

/** Reads a repeated upload to its end without keeping it. */
async function fingerprintUpload(exchange: Exchange, prepared: Prepared): Promise<string | null> {
  using upload = await openIncoming(exchange, prepared, true)
  await finished(upload.bytes.resume())
  return upload.fingerprint()
}

function uploadOptions({ contract, checkFields, pace }: Prepared, digest: boolean): UploadOptions {
  if (!isMultipart(contract.body) || checkFields === null) throw new TypeError(`${contract.operation} takes no upload`)
  return { contract: contract.body, checkFields, pace, digest }
}

function uploadFingerprint(exchange: Exchange, { rawFields, file, sha256 }: Upload): string | null {
  const digest = sha256()
  return digest === null ? null : fingerprintOf({ ...target(exchange), fields: rawFields, file: { name: file.name, sha256: digest } })
}

function bytesFingerprint(exchange: Exchange, sha256: string | null): string | null {
  return sha256 === null ? null : fingerprintOf({ ...target(exchange), sha256 })
}

function target(exchange: Exchange): object {
  return { params: exchange.request.params, search: exchange.search }
}

function onceOptions(
  exchange: Exchange,
  { contract, render, options }: Prepared,
  { store, key }: { store: IdempotencyStore; key: string },
) {
  const scope = {
    tenantId: exchange.tenant?.id ?? null,
    principal: callerOf(exchange.principal, exchange.ip),
    method: contract.method,
    route: contract.path,
    key,
  }
  return { exchange, store, scope, render, log: options.log }
}

async function run({ route, context }: Prepared, input: unknown): Promise<AnyReply> {
  return route.handle(input as Input, context)
}

async function sendAnswer(exchange: Exchange, { render }: Prepared, answer: AnyReply): Promise<void> {
  if (!isStreamReply(answer)) return sendRendered(exchange, render(answer))
  await sendStream(exchange, { status: answer.status, headers: plain(answer.headers), stream: answer.stream })
}
