import type { QueryClient, QueryKey } from '@tanstack/react-query'

/**
 * Asks anew what lies below the given paths, after a change. A question that is on its way may have been answered before the change, so it is
 * given up: `invalidateQueries` alone does this only to those that have an answer already, and takes that of a first one for fresh.
 */
export async function refresh(client: QueryClient, paths: readonly string[]): Promise<void> {
  const below = { predicate: ({ queryKey }: { readonly queryKey: QueryKey }) => isBelow(queryKey, paths) }
  await client.cancelQueries(below)
  await client.invalidateQueries(below)
}

/**
 * For changes that come one after the other, as those of many uploads: one refresh of the same paths at a time, and one more for what has
 * changed since it began. If each gave up the question of the last, a list would be there only after all of them.
 */
export function refreshInTurn(client: QueryClient): (paths: readonly string[]) => Promise<void> {
  const turns = new Map<string, { isAskedAgain: boolean }>()
  return async (paths) => {
    const key = paths.join(' ')
    const going = turns.get(key)
    if (going) {
      going.isAskedAgain = true
      return
    }
    const turn = { isAskedAgain: true }
    turns.set(key, turn)
    try {
      while (turn.isAskedAgain) {
        turn.isAskedAgain = false
        await refresh(client, paths)
      }
    } finally {
      turns.delete(key)
    }
  }
}

function isBelow([key]: QueryKey, paths: readonly string[]): boolean {
  const path = typeof key === 'string' ? key.slice(key.indexOf(' ') + 1) : ''
  return paths.some((one) => path === one || path.startsWith(`${one}/`))
}
