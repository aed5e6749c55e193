import type { Transaction } from '@slipway/db'
import { and, asc, eq, isNull, or } from 'drizzle-orm'
import { categories, dishes, menus, models, photos } from '../schema.ts'
import { categoriesOf, type MenuRow } from './menus.ts'
import type { DishRow, ModelRow, PhotoRow } from './model-view.ts'

/** A dish that anybody may see, with its photo and the model that is served. */
export interface PublicDishView {
  readonly dish: DishRow
  readonly photo: PhotoRow | null
  readonly served: ModelRow | null
}

interface PublicCategory {
  readonly id: string
  readonly name: string
  readonly dishes: readonly PublicDishView[]
}

export interface PublicMenuView {
  readonly menus: readonly { readonly menu: MenuRow; readonly categories: readonly PublicCategory[] }[]
  readonly uncategorised: readonly PublicDishView[]
}

/** A dish is to be seen if it is visible and so is the menu of its category, where it has one. */
const visible = and(eq(dishes.visible, true), or(isNull(dishes.categoryId), eq(menus.visible, true)))

function visibleDishes(tx: Transaction) {
  return tx
    .select({ dish: dishes, photo: photos, served: models })
    .from(dishes)
    .leftJoin(categories, eq(categories.id, dishes.categoryId))
    .leftJoin(menus, eq(menus.id, categories.menuId))
    .leftJoin(photos, eq(photos.id, dishes.shownPhotoId))
    .leftJoin(models, eq(models.id, dishes.servedId))
    .$dynamic()
}

/** Null also for a dish that exists and is not to be seen. */
export async function findPublicDish(tx: Transaction, id: string): Promise<PublicDishView | null> {
  const [found] = await visibleDishes(tx).where(and(visible, eq(dishes.id, id)))
  return found ?? null
}

/** All that a tenant shows; its size is bounded by the limits on menus and dishes. */
export async function readPublicMenu(tx: Transaction): Promise<PublicMenuView> {
  const shown = await tx.select().from(menus).where(eq(menus.visible, true)).orderBy(asc(menus.position), asc(menus.id))
  const rows = await visibleDishes(tx).where(visible).orderBy(asc(dishes.position), asc(dishes.id))
  const all = await categoriesOf(
    tx,
    shown.map(({ id }) => id),
  )
  const byCategory = Map.groupBy(rows, ({ dish }) => dish.categoryId)
  return {
    menus: shown.map((menu) => ({
      menu,
      categories: all.filter(({ menuId }) => menuId === menu.id).map(({ id, name }) => ({ id, name, dishes: byCategory.get(id) ?? [] })),
    })),
    uncategorised: byCategory.get(null) ?? [],
  }
}
