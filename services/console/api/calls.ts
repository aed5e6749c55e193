import type { Calls, Dish, DishModel } from './calls.generated.ts'

export type { Calls, Dish, DishModel, Menu, PublicDish, PublicMenu } from './calls.generated.ts'

export type CallKey = keyof Calls

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Of routes that keep no answer for a repeated request: they are not tried again. */
  readonly once?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

export type CallInput<Key extends CallKey> = Pick<Calls[Key], Extract<keyof Calls[Key], 'params' | 'query' | 'body'>> & CallOptions

// oxlint-disable-next-line typescript/no-empty-object-type -- an input without any required member is what is meant
export type InputOf<Key extends CallKey> = {} extends CallInput<Key> ? [input?: CallInput<Key>] : [input: CallInput<Key>]

export type AnswerOf<Key extends CallKey> = Calls[Key]['answer']

type PageOf<Item> = { readonly items: ReadonlyArray<Item>; readonly nextCursor: string | null }

/** What a list gives. */
export type ItemOf<Key extends CallKey> = AnswerOf<Key> extends { readonly items: ReadonlyArray<infer Item> } ? Item : never

export type PagedKey = { [Key in CallKey]: AnswerOf<Key> extends PageOf<unknown> ? Key : never }[CallKey]

export type FileItem = ItemOf<'GET /api/v1/files'>
export type FolderItem = ItemOf<'GET /api/v1/folders'>
export type Me = AnswerOf<'GET /api/v1/me'>
export type Role = NonNullable<Me['role']>
export type JobItem = ItemOf<'GET /api/v1/files/jobs'>
export type QueueItem = ItemOf<'GET /api/v1/files/jobs/counts'>
export type ServiceStatus = AnswerOf<'GET /api/v1/files/status'>
export type Allergen = Dish['allergens'][number]
export type Price = Dish['price']
export type ModelResult = NonNullable<DishModel['result']>
/** Centre and half axes in parts of the photo's width, angle in radians. */
export type Ellipse = ModelResult['outline']
type Help = NonNullable<DishModel['help']>
/** In parts of the photo's width and height. */
export type Crop = Extract<Help, { readonly crop: unknown }>['crop']
