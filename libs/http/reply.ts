import type { Readable } from 'node:stream'

export type ReplyHeaders = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** What a handler answers: JSON (or text, when the contract says so) with a status of its contract. */
export interface Reply<Status extends number = number, Body = unknown> {
  readonly status: Status
  readonly body: Body
  readonly headers: ReplyHeaders
}

/** An answer whose bytes are streamed; the stream is destroyed when the client goes away. */
export interface StreamReply<Status extends number = number> {
  readonly status: Status
  readonly stream: Readable
  readonly headers: ReplyHeaders
}

export type AnyReply = Reply | StreamReply

interface ReplyOptions {
  headers?: ReplyHeaders
}

const noHeaders: ReplyHeaders = Object.freeze({})

export function reply<const Status extends number>(status: Status): Reply<Status, undefined>
export function reply<const Status extends number, Body>(status: Status, body: Body, options?: ReplyOptions): Reply<Status, Body>
export function reply(status: number, body?: unknown, options?: ReplyOptions): Reply {
  return { status, body, headers: options?.headers ?? noHeaders }
}

/** `content-type` and, where it is known, `content-length` belong into the headers. */
export function replyStream<const Status extends number>(status: Status, stream: Readable, options?: ReplyOptions): StreamReply<Status> {
  return { status, stream, headers: options?.headers ?? noHeaders }
}

export function isStreamReply(answer: AnyReply): answer is StreamReply {
  return 'stream' in answer
}
