import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Principal, Requirement, TenantRole } from '@slipway/auth'
import type { ProblemCode } from '@slipway/problem'
import type { z } from 'zod'
import type { Bytes } from './bytes.ts'
import type { IdempotencyHandle } from './idempotency.ts'
import type { Multipart, Parts } from './multipart.ts'
import type { AnyReply, Reply, StreamReply } from './reply.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/**
 * Who may call a route: what `authorize` knows, and roles with `operator: true`, which let the platform operator in as well, then
 * without a tenant.
 */
export type AuthRequirement = Requirement | { readonly role: TenantRole; readonly scope: string; readonly operator: true }

export interface RateRule {
  /** Routes that share a name share the quota. */
  readonly name: string
  readonly limit: number
  readonly seconds: number
  readonly by: 'principal' | 'ip'
  /** Redis gone: answer 503 instead of letting the request through. For sign-in and whatever else must not be guessed at. */
  readonly failClosed?: boolean
}

export interface ResponseContract {
  readonly description: string
  /** JSON body; left out for streams, text and empty answers. */
  readonly schema?: z.ZodType
  /** Media type of a body that is not JSON. */
  readonly content?: string
  readonly example?: unknown
  /** Header name to its description, for the document. */
  readonly headers?: Readonly<Record<string, string>>
}

type Fields = z.ZodObject

/** The one statement of what a route is: validation, authorisation, the OpenAPI document and the client all read it. */
export interface Contract {
  readonly method: Method
  /** With parameters in braces: `/api/v1/files/{id}`. */
  readonly path: `/${string}`
  /** `files.get`: the operationId, and the route's name in logs and metrics. Unique on the platform. */
  readonly operation: string
  readonly summary: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly auth: AuthRequirement
  readonly params?: Fields
  /** Unknown parameters are refused. Array fields take repeated parameters. */
  readonly query?: Fields
  /** Lower-case names; other headers are let through. */
  readonly headers?: Fields
  readonly body?: z.ZodType | Multipart | Bytes
  readonly bodyExample?: unknown
  /** Most bytes of a JSON body, 1 MiB by default. */
  readonly bodyBytes?: number
  readonly responses: Readonly<Record<number, ResponseContract>>
  /** Beside those that every route of its kind has (validation, authorisation, limits). */
  readonly problems?: readonly ProblemCode[]
  /** Headers that every answer has, also one that was refused before the handler. */
  readonly always?: Readonly<Record<string, string>>
  readonly rate?: RateRule
  /** Whether `Idempotency-Key` is honoured. True for unsafe methods of authenticated routes, but for those that take plain bytes. */
  readonly idempotent?: boolean
  /** Served by the internal listener only. */
  readonly internal?: boolean
  /** Left out of the document. */
  readonly hidden?: boolean
}

export interface Tenant {
  readonly id: string
  readonly slug: string
}

export interface RequestInfo {
  readonly id: string
  readonly ip: string
  readonly userAgent: string
  readonly method: string
  /** Path and query as received. */
  readonly url: string
  readonly host: string
  readonly headers: IncomingHttpHeaders
  readonly traceId: string
  /** Aborted when nobody waits for the answer any more: the client went away, or was told that it took too long. */
  readonly signal: AbortSignal
  /** Aborted when the server begins to close: an answer that goes on until somebody ends it has to end then. */
  readonly closing: AbortSignal
}

type Output<Schema, Without> = Schema extends z.ZodType ? z.output<Schema> : Without
type Member<C, Key extends PropertyKey> = Key extends keyof C ? C[Key] : undefined
type Empty = Readonly<Record<string, never>>

type TenantOf<Auth> = Auth extends { operator: true } ? Tenant | null : Auth extends { role: TenantRole } ? Tenant : Tenant | null
type PrincipalOf<Auth> = Auth extends 'none' ? Principal | null : Principal

/** What a handler gets: everything checked and typed by its contract. */
export interface Input<C extends Contract = Contract> {
  readonly params: Output<Member<C, 'params'>, Empty>
  readonly query: Output<Member<C, 'query'>, Empty>
  readonly headers: Output<Member<C, 'headers'>, Empty>
  readonly body: Output<Member<C, 'body'>, undefined>
  /** The validated fields and the file of a multipart body. */
  readonly parts: Member<C, 'body'> extends Multipart<infer Shape> ? Parts<z.output<Shape>> : undefined
  /** The bytes of a body that is declared as such. */
  readonly stream: Member<C, 'body'> extends Bytes ? Readable : undefined
  readonly principal: PrincipalOf<C['auth']>
  readonly tenant: TenantOf<C['auth']>
  readonly request: RequestInfo
  readonly idempotency: IdempotencyHandle
}

type ReplyTo<Status extends number, Response> = Response extends { schema: infer Schema extends z.ZodType }
  ? Reply<Status, z.input<Schema>>
  : Response extends { content: string }
    ? Reply<Status, string> | StreamReply<Status>
    : Reply<Status, undefined>

/** The answers that a contract allows; 304 is always one of them. */
export type ReplyOf<C extends Contract> =
  | { [Status in keyof C['responses'] & number]: ReplyTo<Status, C['responses'][Status]> }[keyof C['responses'] & number]
  | Reply<304, undefined>

export interface Route<Context = unknown, C extends Contract = Contract> {
  readonly contract: C
  readonly method: C['method']
  readonly path: C['path']
  readonly operation: string
  readonly internal: boolean
  /** Written as a method, so that a list can hold routes of different contracts. */
  handle(input: Input, context: Context): Promise<AnyReply>
}

/** Refuses members that no contract has: a typing error would otherwise be silent. */
type Exactly<C> = { readonly [Key in Exclude<keyof C, keyof Contract>]: never }

/**
 * `const route = routesFor<FilesContext>()`, then `route(contract, async (input, context) => reply(200, …))`.
 * Input and answer are typed by the contract.
 */
export function routesFor<Context>() {
  return function route<const C extends Contract>(
    contract: C & Exactly<C>,
    handler: (input: Input<C>, context: Context) => Promise<ReplyOf<C>>,
  ): Route<Context, C> {
    const { method, path, operation, internal = false } = contract
    // The pipeline builds the input from this very contract, which is what makes the narrower type true.
    const handle = (input: Input, context: Context) => handler(input as unknown as Input<C>, context) as Promise<AnyReply>
    return Object.freeze({ contract, method, path, operation, internal, handle })
  }
}
