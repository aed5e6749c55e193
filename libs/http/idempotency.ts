import { createHash } from 'node:crypto'
import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import type { Reply } from './reply.ts'
import type { Rendered } from './send.ts'

/** Whose key it is: the same key of somebody else, or on another route, is another key. */
export interface IdempotencyScope {
  /** Null for callers without a tenant. */
  readonly tenantId: string | null
  /** `user:…`, `key:…`. */
  readonly principal: string
  readonly method: string
  /** Pattern of the route. */
  readonly route: string
  readonly key: string
}

export type Begun =
  | { readonly state: 'started'; readonly attempt: string }
  | { readonly state: 'running'; readonly retryAfter: number }
  /** The fingerprint is that of the request which was answered. */
  | { readonly state: 'answered'; readonly fingerprint: string; readonly answer: Rendered }
  | { readonly state: 'reused' }

/** Where keys, their runs and their answers are kept. */
export interface IdempotencyStore {
  /** `fingerprint` is null as long as the bytes of the request are not known. */
  begin(scope: IdempotencyScope, fingerprint: string | null): Promise<Begun>
  /** Keeps the answer, in the caller's transaction when there is one. Throws idempotency.in-progress when another run took over. */
  complete(run: IdempotencyRun, answer: Rendered, tx?: Transaction): Promise<void>
  /** Keeps a long run from being taken over. */
  renew(run: IdempotencyAttempt): Promise<void>
  /** Frees the key: the next request with it starts anew. */
  release(run: IdempotencyAttempt): Promise<void>
  readonly leaseSeconds: number
}

/** One run under a key; a run that takes over has another attempt, so that the one before it cannot complete any more. */
export interface IdempotencyAttempt {
  readonly scope: IdempotencyScope
  readonly attempt: string
}

export interface IdempotencyRun extends IdempotencyAttempt {
  readonly fingerprint: string
}

/** What a handler sees of it. */
export interface IdempotencyHandle {
  /** The client's key; null when it sent none or the route takes none. */
  readonly key: string | null
  /**
   * Keeps the answer in the transaction of its effect, so that a crash can separate neither from the other. Without a key it does
   * nothing. A handler that has no transaction leaves it out; its answer is then kept after it returned.
   */
  complete(tx: Transaction, answer: Reply): Promise<void>
}

/**
 * `Idempotency-Key` as the IETF draft has it: a structured-field string in quotes; bare keys are accepted too.
 * @throws idempotency.key-invalid
 */
export function parseIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null
  const text = String(header).trim()
  const key = /^"(?:[^"\\]|\\["\\])*"$/.test(text) ? text.slice(1, -1).replace(/\\(["\\])/g, '$1') : text
  if (/^[\x20-\x7e]{1,255}$/.test(key) && !(key === text && /["\\,;]/.test(key))) return key
  throw problem('idempotency.key-invalid', {
    detail: 'use 1 to 255 printable ASCII characters, in double quotes',
    errors: [{ pointer: '/headers/idempotency-key', detail: 'must be 1 to 255 printable ASCII characters' }],
  })
}

/** Equal for requests that mean the same: the order of members and the multipart boundary do not count. */
export function fingerprintOf(request: unknown): string {
  return createHash('sha256').update(canonicalJson(request)).digest('hex')
}

/** JSON with members sorted by name (the ordering of RFC 8785). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
}
