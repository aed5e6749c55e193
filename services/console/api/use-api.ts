import {
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { AnswerOf, CallInput, CallKey, InputOf, ItemOf, PagedKey, Role } from './calls.ts'
import { refresh } from './refresh.ts'
import { api, session } from './runtime.ts'
import type { SessionState, SignedIn } from './session.ts'

export function useSessionState(): SessionState {
  return useSyncExternalStore(session.state.subscribe, session.state.get)
}

/** For screens, which are shown to people who have signed in only. */
export function useSignedIn(): SignedIn {
  const state = useSessionState()
  if (state.status !== 'in') throw new TypeError('this part is only for people who have signed in')
  return state
}

const ranks: readonly Role[] = ['viewer', 'member', 'admin', 'owner']

/** Whether the person may do what needs this role. The API decides; this only hides what it would refuse. */
export function useMay(role: Role): boolean {
  const { role: own } = useSignedIn()
  return own !== null && ranks.indexOf(own) >= ranks.indexOf(role)
}

export interface Repeat {
  readonly enabled?: boolean
  /** Milliseconds after which it is asked again. */
  readonly every?: number | false
}

export function useCall<Key extends CallKey>(key: Key, input?: CallInput<Key>, repeat: Repeat = {}): UseQueryResult<AnswerOf<Key>> {
  return useQuery({
    queryKey: keyOf(key, input),
    queryFn: ({ signal }) => api.call(key, ...argumentsOf<Key>({ ...input, signal })),
    enabled: repeat.enabled ?? true,
    refetchInterval: repeat.every ?? false,
  })
}

/** All pages of a list, up to a thousand items: what is longer is for the API. */
export function useList<Key extends PagedKey>(
  key: Key,
  input?: CallInput<Key>,
  repeat: Repeat = {},
): UseQueryResult<readonly ItemOf<Key>[]> {
  return useQuery({
    queryKey: [...keyOf(key, input), 'all'],
    queryFn: ({ signal }) => allOf(key, input, signal),
    enabled: repeat.enabled ?? true,
    refetchInterval: repeat.every ?? false,
  })
}

/** A list as far as somebody has gone down: `fetchNextPage()` goes on. */
export function usePages<Key extends PagedKey>(
  key: Key,
  input: CallInput<Key>,
  repeat: Repeat = {},
): UseInfiniteQueryResult<readonly ItemOf<Key>[]> {
  return useInfiniteQuery({
    queryKey: [...keyOf(key, input), 'pages'],
    queryFn: ({ pageParam, signal }) => pageOf(key, input, { cursor: pageParam, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
    refetchInterval: repeat.every ?? false,
  })
}

interface PageAsked {
  readonly cursor: string | null
  readonly signal: AbortSignal
}

interface PageOf<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

async function pageOf<Key extends PagedKey>(key: Key, input: CallInput<Key> | undefined, { cursor, signal }: PageAsked) {
  const query: object = { limit: 100, ...(input && 'query' in input ? input.query : {}), ...(cursor === null ? {} : { cursor }) }
  return (await api.call(key, ...argumentsOf<Key>({ ...input, query, signal }))) as PageOf<ItemOf<Key>>
}

async function allOf<Key extends PagedKey>(key: Key, input: CallInput<Key> | undefined, signal: AbortSignal): Promise<ItemOf<Key>[]> {
  const items: ItemOf<Key>[] = []
  let cursor: string | null = null
  do {
    const page: PageOf<ItemOf<Key>> = await pageOf(key, input, { cursor, signal })
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null && items.length < 1000)
  return items
}

/** The client takes its input as one argument, which generic code cannot show to fit the key. */
function argumentsOf<Key extends CallKey>(input: object): InputOf<Key> {
  return [input] as unknown as InputOf<Key>
}

function keyOf(key: string, input: unknown): QueryKey {
  return [key, input ?? null]
}

/**
 * A change, after which everything below the given paths is asked anew. `onDone` and `onFail` hear of its end also where what asked for it is
 * gone by then, as the row of a list may be; what is given to `mutate` does not.
 */
export function useChange<Input, Answer>(
  change: (input: Input) => Promise<Answer>,
  refreshes: readonly string[],
  { onDone, onFail }: { readonly onDone?: (answer: Answer) => void; readonly onFail?: (error: Error) => void } = {},
): UseMutationResult<Answer, Error, Input> {
  const client = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: (answer) => onDone?.(answer),
    onError: (error) => onFail?.(error),
    onSettled: () => refresh(client, refreshes),
  })
}
