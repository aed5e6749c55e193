import { newId, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { asc, count, eq, max, sql } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import { categories, dishes } from '../schema.ts'
import type { Allergen } from './allergens.ts'
import { announceGone } from './announce.ts'
import { type Author, audit, difference } from './author.ts'
import { lockDish, newestModel, photoOf } from './dish-view.ts'
import type { DishRow } from './model-view.ts'
import { dropMedia, requestModel } from './requests.ts'

/** What people write about a dish. */
export interface DishFields {
  readonly name: string
  readonly description: string | null
  readonly price: { readonly amount: number; readonly currency: string }
  readonly categoryId: string | null
  readonly allergens: readonly Allergen[]
  readonly plateDiameterCm: number
  readonly visible: boolean
}

type Changing = Pick<MenuContext, 'queues' | 'events' | 'limits' | 'now'>

/** @throws quota.exceeded, request.invalid if there is no such category */
export async function createDish(tx: Transaction, author: Author, { fields, context }: { fields: DishFields; context: Changing }) {
  await lockOrder(tx, author.tenantId)
  const [existing] = await tx.select({ count: count(), last: max(dishes.position) }).from(dishes)
  const { limits, now } = context
  if ((existing?.count ?? 0) >= limits.dishes) {
    throw problem('quota.exceeded', { detail: `a tenant has ${limits.dishes} dishes at most`, limit: limits.dishes })
  }
  await requireCategory(tx, fields.categoryId)
  const at = new Date(now())
  const id = newId(now)
  const position = (existing?.last ?? -1) + 1
  await tx.insert(dishes).values({ id, position, ...columns(fields), createdAt: at, updatedAt: at })
  await audit(tx, author, { action: 'dish.created', subject: { type: 'dish', id }, after: fields })
  return id
}

type Partly<T> = { readonly [Field in keyof T]?: T[Field] | undefined }

interface DishChange {
  readonly id: string
  readonly fields: Partly<Omit<DishFields, 'price'>> & { readonly price?: Partly<DishFields['price']> | undefined }
  readonly context: Changing
  /** Throws if the row is not the one that the client has seen. */
  readonly expect: (row: DishRow) => void
}

/** Another diameter of the plate makes another model. @throws precondition.failed, request.invalid */
export async function changeDish(tx: Transaction, author: Author, { id, fields, context, expect }: DishChange): Promise<void> {
  const row = await lockDish(tx, id)
  expect(row)
  const before = fieldsOf(row)
  const { price, ...rest } = fields
  const after: DishFields = { ...before, ...given(rest), price: { ...before.price, ...given(price ?? {}) } }
  const changed = difference(before, after)
  if (Object.keys(changed.after).length === 0) return
  if (after.categoryId !== before.categoryId) await requireCategory(tx, after.categoryId)
  const values = { ...columns(after), updatedAt: new Date(context.now()), version: sql`${dishes.version} + 1` }
  const [dish] = await tx.update(dishes).set(values).where(eq(dishes.id, id)).returning()
  await audit(tx, author, { action: 'dish.changed', subject: { type: 'dish', id }, ...changed })
  if (!dish || after.plateDiameterCm === before.plateDiameterCm) return
  const photo = await photoOf(tx, dish.photoId)
  if (photo) await requestModel(context, author, { tx, dish, photo, help: (await newestModel(tx, dish))?.row.help ?? null })
}

function given<T extends object>(fields: T): { [Field in keyof T]?: Exclude<T[Field], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as typeof fields
}

export async function deleteDish(tx: Transaction, author: Author, change: Omit<DishChange, 'fields'>): Promise<void> {
  const { id, context, expect } = change
  const dish = await lockDish(tx, id)
  expect(dish)
  await dropMedia(tx, context, { author, dish })
  await tx.delete(dishes).where(eq(dishes.id, id))
  await audit(tx, author, { action: 'dish.deleted', subject: { type: 'dish', id }, before: fieldsOf(dish) })
  announceGone(tx, context.events, id)
}

/**
 * The named dishes first, the others after them in the order that they had.
 * @throws request.invalid with a pointer to what is no dish of the tenant
 */
export async function orderDishes(tx: Transaction, author: Author, ids: readonly string[]): Promise<{ id: string; position: number }[]> {
  await lockOrder(tx, author.tenantId)
  const rows = await tx.select({ id: dishes.id, position: dishes.position }).from(dishes).orderBy(asc(dishes.position), asc(dishes.id))
  const known = new Set(rows.map((row) => row.id))
  const errors = ids.flatMap((id, index) => (known.has(id) ? [] : [{ pointer: `/body/ids/${index}`, detail: 'is no dish' }]))
  if (errors.length > 0) throw problem('request.invalid', { detail: 'not all of these are dishes', errors })
  const named = new Set(ids)
  const order = [...ids, ...rows.flatMap(({ id }) => (named.has(id) ? [] : [id]))]
  await tx.execute(sql`
    update ${dishes} set position = place.ordinality - 1
      from unnest(${sql.param(order)}::uuid[]) with ordinality as place (id, ordinality)
      where ${dishes.id} = place.id and ${dishes.position} <> place.ordinality - 1`)
  await audit(tx, author, { action: 'dishes.reordered', subject: { type: 'menu', id: author.tenantId }, after: { ids } })
  return order.map((id, position) => ({ id, position }))
}

/** One change of order at a time in a tenant: positions are given out and compared under it. */
export async function lockOrder(tx: Transaction, tenantId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`menu order ${tenantId}`}, 0))`)
}

async function requireCategory(tx: Transaction, id: string | null): Promise<void> {
  if (id === null) return
  const [found] = await tx.select({ id: categories.id }).from(categories).where(eq(categories.id, id)).for('key share')
  if (found) return
  throw problem('request.invalid', {
    detail: 'there is no such category',
    errors: [{ pointer: '/body/categoryId', detail: 'is no category' }],
  })
}

function columns({ price, allergens, ...rest }: DishFields) {
  return { ...rest, priceAmount: price.amount, priceCurrency: price.currency, allergens: [...allergens] }
}

export function fieldsOf(row: DishRow): DishFields {
  const { name, description, categoryId, allergens, plateDiameterCm, visible } = row
  return {
    name,
    description,
    price: { amount: row.priceAmount, currency: row.priceCurrency },
    categoryId,
    allergens,
    plateDiameterCm,
    visible,
  }
}
