import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { problem } from '@slipway/problem'
import { type Reply, reply } from './reply.ts'

interface WithHeaders {
  readonly headers: IncomingHttpHeaders
}

const token = /^[\w.:+/=-]{1,128}$/

/** A strong entity tag (RFC 9110 §8.8.3) for whatever tells one version from the next: a number, a digest, a time and an id. */
export function strongEtag(version: string | number): string {
  const text = String(version)
  return `"${token.test(text) ? text : createHash('sha256').update(text).digest('base64url')}"`
}

/** Whether the client already has this version: `If-None-Match`, compared weakly. */
export function isNotModified({ headers }: WithHeaders, etag: string): boolean {
  const sent = headers['if-none-match']
  return sent !== undefined && matches(sent, etag, opaque)
}

/** `return notModified(etag)` where `isNotModified` says so before the bytes were fetched. */
export function notModified(etag: string): Reply<304, undefined> {
  return { ...reply(304), headers: { etag } }
}

/**
 * Guards a change by the version that the client has seen. Without `If-Match` it throws precondition.required, unless `optional`.
 * @throws precondition.failed, precondition.required
 */
export function requireIfMatch({ headers }: WithHeaders, etag: string, { optional = false }: { optional?: boolean } = {}): void {
  const sent = headers['if-match']
  if (sent === undefined && optional) return
  if (sent === undefined) {
    throw problem('precondition.required', {
      detail: 'send If-Match with the ETag of the version that you have read',
      errors: [{ pointer: '/headers/if-match', detail: 'is missing' }],
    })
  }
  if (matches(sent, etag, strong)) return
  throw problem('precondition.failed', {
    detail: `If-Match names ${sent.slice(0, 200)}, the current version is ${etag}`,
    errors: [{ pointer: '/headers/if-match', detail: 'is not the current version' }],
    headers: { etag },
  })
}

/** `If-None-Match: *` on a creation: it may only happen where nothing is yet. */
export function requiresAbsence({ headers }: WithHeaders): boolean {
  return headers['if-none-match']?.trim() === '*'
}

function matches(list: string, etag: string, comparable: (tag: string) => string | null): boolean {
  if (list.trim() === '*') return true
  const wanted = comparable(etag)
  return wanted !== null && (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => comparable(tag) === wanted)
}

/** Weak comparison: the marker does not count. */
const opaque = (tag: string) => tag.replace(/^W\//, '')
/** Strong comparison: a weak tag equals nothing. */
const strong = (tag: string) => (tag.startsWith('W/') ? null : tag)
