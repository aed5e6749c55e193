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

function isBelow([key]: QueryKey, paths: readonly string[]): boolean {
  const path = typeof key === 'string' ? key.slice(key.indexOf(' ') + 1) : ''
  return paths.some((one) => path === one || path.startsWith(`${one}/`))
}
