import { createStore } from './store.ts'
import type { Place } from './uploads.ts'

/** One kind of change for many things. */
export interface BulkRequest<Item> {
  /** `Moves files to Reports` */
  readonly title: string
  readonly items: readonly Item[]
  readonly nameOf: (item: Item) => string
  readonly act: (item: Item) => Promise<unknown>
  /** Paths that are asked anew once it has ended. */
  readonly refreshes: readonly string[]
}

export interface BulkState {
  readonly title: string
  readonly total: number
  readonly done: number
  readonly failures: readonly { readonly name: string; readonly error: unknown }[]
  readonly isRunning: boolean
  readonly isStopped: boolean
}

export interface BulkOptions {
  readonly place: () => Place | null
  readonly refresh: (paths: readonly string[]) => void
}

/** Requests at a time: quick enough for hundreds, and far from the limit of a caller. */
const concurrency = 4

/** A change of many things, one request each, that goes on whatever screen is open. One at a time. */
export function createBulk({ place, refresh }: BulkOptions) {
  const shown = createStore<BulkState | null>(null)
  let startedAt: Place | null = null

  function change(part: (state: BulkState) => Partial<BulkState>): void {
    const state = shown.get()
    if (state) shown.set({ ...state, ...part(state) })
  }

  async function run<Item>({ title, items, nameOf, act, refreshes }: BulkRequest<Item>): Promise<void> {
    if (shown.get()?.isRunning) return
    startedAt = place()
    shown.set({ title, total: items.length, done: 0, failures: [], isRunning: true, isStopped: false })
    const left = items.values()
    const one = async (item: Item) => {
      await act(item).catch((error: unknown) => change(({ failures }) => ({ failures: [...failures, { name: nameOf(item), error }] })))
      change(({ done }) => ({ done: done + 1 }))
    }
    const lane = async () => {
      for (const item of left) {
        if (shown.get()?.isStopped) return
        await one(item)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, lane))
    change(() => ({ isRunning: false }))
    refresh(refreshes)
  }

  const stop = () => change(() => ({ isStopped: true }))

  return {
    shown,
    run,
    /** What is on its way is finished. */
    stop,
    close() {
      if (!shown.get()?.isRunning) shown.set(null)
    },
    /** In another tenant, or for another person, the rest is not to be done. */
    follow() {
      const at = place()
      if (at?.tenantId === startedAt?.tenantId && at?.personId === startedAt?.personId) return
      stop()
      if (at && at.personId !== startedAt?.personId && !shown.get()?.isRunning) shown.set(null)
    },
  }
}
