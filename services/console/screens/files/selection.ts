import { useState } from 'react'
import type { FileItem } from '../../api/calls.ts'

export interface Selection {
  readonly files: readonly FileItem[]
  readonly has: (file: FileItem) => boolean
  readonly toggle: (file: FileItem) => void
  /** None of them when all are chosen. */
  readonly toggleAll: () => void
  readonly clear: () => void
  readonly state: 'none' | 'some' | 'all'
}

/** Chosen files among those that are there: what has gone is not chosen any more. */
export function useSelection(selectable: readonly FileItem[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const files = selectable.filter(({ id }) => ids.has(id))
  const all = files.length === selectable.length
  return {
    files,
    has: ({ id }) => ids.has(id),
    toggle: ({ id }) => setIds(ids.has(id) ? new Set([...ids].filter((other) => other !== id)) : new Set([...ids, id])),
    toggleAll: () => setIds(all ? new Set() : new Set(selectable.map(({ id }) => id))),
    clear: () => setIds(new Set()),
    state: files.length === 0 ? 'none' : all ? 'all' : 'some',
  }
}
