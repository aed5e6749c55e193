import { ApiProblem } from '@slipway/client'
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { createApi } from './client.ts'
import { createSession } from './session.ts'

export const publicMenuKey = 'public menu'

/** What is asked again by itself: the client has tried what is worth another try, so a query that failed says so. */
export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache(),
  mutationCache: new MutationCache(),
  defaultOptions: { queries: { retry: false, staleTime: 5000, refetchOnWindowFocus: true } },
})

/** The public page has nothing to do with who is signed in: its questions go on. */
const ofSomebody = { predicate: ({ queryKey }: { readonly queryKey: readonly unknown[] }) => queryKey[0] !== publicMenuKey }

/** What one tenant has shown must not be seen in another: what is on the screen is asked anew, the rest is forgotten. */
export const session = createSession((change) => {
  if (change === 'entered') void queries.resetQueries(ofSomebody)
  else queries.removeQueries(ofSomebody)
})

export const api = createApi((options) => session.token(options))

/** Fetches bytes that need the token: previews, downloads, models. @throws ApiProblem */
export async function fetchBytes(path: string, signal?: AbortSignal): Promise<Blob> {
  const token = await session.token({ fresh: false })
  const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` }, ...(signal ? { signal } : {}) })
  if (answer.ok) return await answer.blob()
  const details = await answer.json().catch(() => ({}))
  throw new ApiProblem(answer.status, details)
}
