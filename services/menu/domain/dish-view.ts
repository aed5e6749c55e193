import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import { dishes, jobs, models, photos } from '../schema.ts'
import { type DishRow, jobColumns, type ModelView, type PhotoRow } from './model-view.ts'

/** A dish with the photo that is shown and its newest request for a model. */
export interface DishView {
  readonly dish: DishRow
  readonly photo: PhotoRow | null
  readonly model: ModelView | null
}

interface DishPage {
  readonly categoryId: string | null | undefined
  readonly visible: boolean | undefined
  readonly after: { readonly position: number; readonly id: string } | null
  readonly limit: number
}

/** @throws resource.not-found – for a dish of another tenant as for one that never was */
export async function requireDishView(tx: Transaction, id: string): Promise<DishView> {
  const [view] = await selectViews(tx, { where: eq(dishes.id, id), limit: 1 })
  if (!view) throw noDish(id)
  return view
}

/** In order, one more than `limit` where there is a next page. */
export function selectDishes(tx: Transaction, { categoryId, visible, after, limit }: DishPage): Promise<DishView[]> {
  const where = and(
    categoryId === undefined ? undefined : categoryId === null ? sql`${dishes.categoryId} is null` : eq(dishes.categoryId, categoryId),
    visible === undefined ? undefined : eq(dishes.visible, visible),
    after ? sql`(${dishes.position}, ${dishes.id}) > (${after.position}::integer, ${after.id}::uuid)` : undefined,
  )
  return selectViews(tx, { where, limit: limit + 1 })
}

/**
 * Locks the dish until the transaction ends: whatever changes the dish, its photo or its model does so first.
 * @throws resource.not-found
 */
export async function lockDish(tx: Transaction, id: string): Promise<DishRow> {
  const [row] = await tx.select().from(dishes).where(eq(dishes.id, id)).for('update')
  if (!row) throw noDish(id)
  return row
}

export async function requireDish(tx: Transaction, id: string): Promise<DishRow> {
  const [row] = await tx.select().from(dishes).where(eq(dishes.id, id))
  if (!row) throw noDish(id)
  return row
}

/** The newest request for a model, null where there is none. */
export async function newestModel(tx: Transaction, { modelId }: Pick<DishRow, 'modelId'>): Promise<ModelView | null> {
  if (modelId === null) return null
  const [found] = await tx
    .select({ row: models, job: jobColumns })
    .from(models)
    .leftJoin(jobs, eq(jobs.id, models.jobId))
    .where(eq(models.id, modelId))
  return found ?? null
}

export async function photoOf(tx: Transaction, id: string | null): Promise<PhotoRow | null> {
  if (id === null) return null
  const [row] = await tx.select().from(photos).where(eq(photos.id, id))
  return row ?? null
}

async function selectViews(tx: Transaction, { where, limit }: { where: SQL | undefined; limit: number }): Promise<DishView[]> {
  const rows = await tx
    .select({ dish: dishes, photo: photos, model: models, job: jobColumns })
    .from(dishes)
    .leftJoin(photos, eq(photos.id, dishes.shownPhotoId))
    .leftJoin(models, eq(models.id, dishes.modelId))
    .leftJoin(jobs, eq(jobs.id, models.jobId))
    .where(where)
    .orderBy(asc(dishes.position), asc(dishes.id))
    .limit(limit)
  return rows.map(({ dish, photo, model, job }) => ({ dish, photo, model: model && { row: model, job } }))
}

function noDish(id: string): Error {
  return problem('resource.not-found', { detail: `there is no dish ${id}` })
}
