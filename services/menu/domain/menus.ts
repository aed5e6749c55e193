import { newId, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, asc, count, eq, inArray, max, sql } from 'drizzle-orm'
import { categories, dishes, menus } from '../schema.ts'
import { type Author, audit } from './author.ts'
import { lockOrder } from './dishes.ts'

export type MenuRow = typeof menus.$inferSelect
export type CategoryRow = typeof categories.$inferSelect

export interface MenuView {
  readonly menu: MenuRow
  readonly categories: readonly CategoryRow[]
}

export interface CategoryWish {
  readonly id?: string | undefined
  readonly name: string
}

interface MenuFields {
  readonly name: string
  readonly description: string | null
  readonly visible: boolean
  readonly categories: readonly CategoryWish[]
}

/** Of one tenant: enough for every kitchen, and a bound for what the public page reads at once. */
const mostMenus = 50

/** @throws quota.exceeded */
export async function createMenu(tx: Transaction, author: Author, { fields, now }: { fields: MenuFields; now: Date }): Promise<string> {
  await lockOrder(tx, author.tenantId)
  const [existing] = await tx.select({ count: count(), last: max(menus.position) }).from(menus)
  if ((existing?.count ?? 0) >= mostMenus) throw problem('quota.exceeded', { detail: `a tenant has ${mostMenus} menus at most` })
  const { name, description, visible } = fields
  const id = newId(() => now.getTime())
  const position = (existing?.last ?? -1) + 1
  await tx.insert(menus).values({ id, name, description, visible, position, createdAt: now, updatedAt: now })
  await setCategories(tx, id, fields.categories)
  await audit(tx, author, { action: 'menu.created', subject: { type: 'menu', id }, after: fields })
  return id
}

interface MenuChange {
  readonly id: string
  readonly fields: { readonly [Field in keyof MenuFields]?: MenuFields[Field] | undefined } & { readonly position?: number | undefined }
  readonly now: Date
  /** Throws if the row is not the one that the client has seen. */
  readonly expect: (row: MenuRow) => void
}

/** @throws resource.not-found, precondition.failed, request.invalid for a category of another menu */
export async function changeMenu(tx: Transaction, author: Author, { id, fields, now, expect }: MenuChange): Promise<void> {
  await lockOrder(tx, author.tenantId)
  const row = await lockMenu(tx, id)
  expect(row)
  const { categories: wanted, position, name = row.name, description, visible = row.visible } = fields
  const values = { name, description: description === undefined ? row.description : description, visible }
  await tx
    .update(menus)
    .set({ ...values, updatedAt: now, version: sql`${menus.version} + 1` })
    .where(eq(menus.id, id))
  if (position !== undefined) await moveMenu(tx, id, position)
  if (wanted !== undefined) await setCategories(tx, id, wanted)
  const before = { name: row.name, description: row.description, visible: row.visible }
  await audit(tx, author, { action: 'menu.changed', subject: { type: 'menu', id }, before, after: fields })
}

/** Its dishes stay, without a category. */
export async function deleteMenu(tx: Transaction, author: Author, change: Omit<MenuChange, 'fields'>): Promise<void> {
  await lockOrder(tx, author.tenantId)
  const row = await lockMenu(tx, change.id)
  change.expect(row)
  await setCategories(tx, change.id, [])
  await tx.delete(menus).where(eq(menus.id, change.id))
  await audit(tx, author, { action: 'menu.deleted', subject: { type: 'menu', id: change.id }, before: { name: row.name } })
}

/** @throws resource.not-found */
export async function requireMenu(tx: Transaction, id: string): Promise<MenuView> {
  const [menu] = await tx.select().from(menus).where(eq(menus.id, id))
  if (!menu) throw noMenu(id)
  return { menu, categories: await categoriesOf(tx, [id]) }
}

/** In order; `limit + 1` where there is a next page. */
export async function selectMenus(
  tx: Transaction,
  { after, limit }: { after: { position: number; id: string } | null; limit: number },
): Promise<MenuView[]> {
  const rows = await tx
    .select()
    .from(menus)
    .where(after ? sql`(${menus.position}, ${menus.id}) > (${after.position}::integer, ${after.id}::uuid)` : undefined)
    .orderBy(asc(menus.position), asc(menus.id))
    .limit(limit + 1)
  const all = await categoriesOf(
    tx,
    rows.map(({ id }) => id),
  )
  return rows.map((menu) => ({ menu, categories: all.filter(({ menuId }) => menuId === menu.id) }))
}

export async function categoriesOf(tx: Transaction, menuIds: readonly string[]): Promise<CategoryRow[]> {
  if (menuIds.length === 0) return []
  return await tx
    .select()
    .from(categories)
    .where(inArray(categories.menuId, [...menuIds]))
    .orderBy(asc(categories.position), asc(categories.id))
}

async function lockMenu(tx: Transaction, id: string): Promise<MenuRow> {
  const [row] = await tx.select().from(menus).where(eq(menus.id, id)).for('update')
  if (!row) throw noMenu(id)
  return row
}

/** To this place among the menus; beyond the last one means to the end. */
async function moveMenu(tx: Transaction, id: string, position: number): Promise<void> {
  const rows = await tx.select({ id: menus.id }).from(menus).orderBy(asc(menus.position), asc(menus.id))
  const order = rows.map((row) => row.id).filter((other) => other !== id)
  order.splice(position, 0, id)
  await tx.execute(sql`
    update ${menus} set position = place.ordinality - 1
      from unnest(${sql.param(order)}::uuid[]) with ordinality as place (id, ordinality) where ${menus.id} = place.id`)
}

/** The whole list in order: known ids keep their dishes, the dishes of those that are left out lose their category. */
async function setCategories(tx: Transaction, menuId: string, wanted: readonly CategoryWish[]): Promise<void> {
  const existing = await categoriesOf(tx, [menuId])
  const known = new Set(existing.map(({ id }) => id))
  const errors = wanted.flatMap(({ id }, index) =>
    id === undefined || known.has(id) ? [] : [{ pointer: `/body/categories/${index}/id`, detail: 'is no category of this menu' }],
  )
  if (errors.length > 0) throw problem('request.invalid', { detail: 'not all of these are categories of this menu', errors })
  const kept = new Set(wanted.map(({ id }) => id))
  await removeCategories(
    tx,
    [...known].filter((id) => !kept.has(id)),
  )
  for (const [position, { id, name }] of wanted.entries()) {
    if (id === undefined) await tx.insert(categories).values({ id: newId(), menuId, name, position })
    else
      await tx
        .update(categories)
        .set({ name, position })
        .where(and(eq(categories.id, id), eq(categories.menuId, menuId)))
  }
}

async function removeCategories(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx
    .update(dishes)
    .set({ categoryId: null, version: sql`${dishes.version} + 1` })
    .where(inArray(dishes.categoryId, [...ids]))
  await tx.delete(categories).where(inArray(categories.id, [...ids]))
}

function noMenu(id: string): Error {
  return problem('resource.not-found', { detail: `there is no menu ${id}` })
}
