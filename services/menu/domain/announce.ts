import { onCommit, type Transaction } from '@slipway/db'
import type { DishEvents } from '../events/dish-events.ts'
import { newestModel } from './dish-view.ts'
import { type DishRow, type ModelView, modelBody } from './model-view.ts'

/** Tells those who follow the dish of its newest request, as this transaction leaves it. */
export async function announceModel(tx: Transaction, events: DishEvents, dish: Pick<DishRow, 'id' | 'modelId'>): Promise<void> {
  const view = await newestModel(tx, dish)
  onCommit(tx, () => events.publish(dish.id, progressOf(view)))
}

export function announceGone(tx: Transaction, events: DishEvents, dishId: string): void {
  onCommit(tx, () => events.publish(dishId, { kind: 'gone', data: 'null', modelId: null, revision: 0 }))
}

/** The present state as an event; a dish without a photo has no model to tell of. */
export function progressOf(view: ModelView | null) {
  const data = JSON.stringify(view && modelBody(view))
  return { kind: 'progress' as const, data, modelId: view?.row.id ?? null, revision: view?.row.revision ?? 0 }
}
