import type { Contract, Multipart, Page } from '@slipway/http'
import type { z } from 'zod'

/** Whatever holds routes: a tuple, a record, or a module taken by `typeof import('./routes.ts')`. */
type RouteIn<Routes> = Routes extends readonly (infer One)[] ? One : Routes[keyof Routes]
type ContractIn<Routes> =
  RouteIn<Routes> extends infer One ? (One extends { readonly contract: infer C extends Contract } ? C : never) : never

type KeyOf<C> = C extends Contract ? `${C['method']} ${C['path']}` : never

/** The calls that a set of routes offers: `GET /api/v1/files/{id}`. */
export type CallKey<Routes> = KeyOf<ContractIn<Routes>>

export type ContractOf<Routes, Key> =
  ContractIn<Routes> extends infer C ? (C extends Contract ? (KeyOf<C> extends Key ? C : never) : never) : never

/** What coercion would take is anything; callers are held to what it makes of it. */
type Sent<Schema extends z.ZodType> =
  z.input<Schema> extends infer Input
    ? {
        [Name in keyof Input]: unknown extends Input[Name]
          ? Name extends keyof z.output<Schema>
            ? z.output<Schema>[Name]
            : never
          : Input[Name]
      }
    : never

type Member<C, Name extends PropertyKey> = Name extends keyof C ? C[Name] : undefined
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- an input without any member is what is meant
type Nothing = Record<never, never>
/** A part may be left out when it has nothing that is required. */
type Part<Name extends string, Value> = Nothing extends Value ? { readonly [Key in Name]?: Value } : { readonly [Key in Name]: Value }
type SchemaPart<C, Name extends string> = Member<C, Name> extends z.ZodType ? Part<Name, Sent<Member<C, Name>>> : unknown

type BodyPart<C> =
  Member<C, 'body'> extends Multipart<infer Shape>
    ? { readonly file: Blob; readonly fileName: string } & Part<'fields', Sent<Shape>>
    : Member<C, 'body'> extends z.ZodType
      ? { readonly body: z.input<Member<C, 'body'>> }
      : unknown

/** Whether the server keeps an answer for a repeated request; where it does not, a second try could be a second effect. */
type Repeatable<C> = C extends { method: 'GET' } ? true : C extends { auth: 'none' } | { idempotent: false } ? false : true
type OncePart<C> = Repeatable<C> extends true ? { readonly idempotencyKey?: string } : { readonly once: true }

type InBytes<C extends Contract> = Extract<C['responses'][keyof C['responses']], { content: string }>
/** Bytes can be of any type, JSON too: that they are wanted as they come is said by the call, because at run time nobody else knows. */
type StreamPart<C> = C extends Contract ? ([InBytes<C>] extends [never] ? unknown : { readonly stream: true }) : unknown

interface CommonParts {
  /** Ends the call, and the stream that it gave. */
  readonly signal?: AbortSignal
  /** Per attempt, until its answer is complete or, for a stream, begins; 30 by default, none for uploads. */
  readonly timeoutSeconds?: number
}

export type CallInput<C> = SchemaPart<C, 'params'> &
  SchemaPart<C, 'query'> &
  SchemaPart<C, 'headers'> &
  BodyPart<C> &
  OncePart<C> &
  StreamPart<C> &
  CommonParts

type BodyOf<Response> = Response extends { schema: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : Response extends { content: string }
    ? ReadableStream<Uint8Array>
    : undefined

interface Answer<Status, Body> {
  readonly status: Status
  readonly headers: Headers
  readonly body: Body
}

/** One of the answers that the contract names; everything else is thrown as an `ApiProblem`. */
export type CallAnswer<C> = C extends Contract
  ? { [Status in keyof C['responses'] & number]: Answer<Status, BodyOf<C['responses'][Status]>> }[keyof C['responses'] & number]
  : never

/** Calls that need nothing may be made with nothing. */
export type InputArguments<C> = Nothing extends CallInput<C> ? [input?: CallInput<C>] : [input: CallInput<C>]

type ItemOf<C> = CallAnswer<C> extends Answer<200, Page<infer Item>> ? Item : never

export type PagedKey<Routes> =
  ContractIn<Routes> extends infer C ? (C extends { method: 'GET' } ? ([ItemOf<C>] extends [never] ? never : KeyOf<C>) : never) : never

export type PageItem<Routes, Key> = ItemOf<ContractOf<Routes, Key>>
