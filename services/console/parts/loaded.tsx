import { Alert, Skeleton, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { wordsOf } from '../api/words.ts'
import { ProblemAlert } from './problem-alert.tsx'

interface LoadedProps<Data> {
  readonly query: { readonly data: Data | undefined; readonly error: unknown; readonly refetch: () => unknown }
  readonly children: (data: Data) => ReactNode
}

/** What a query gave, or why it did not. What is there already stays when asking again fails, and says that it is old. */
export function Loaded<Data>({ query, children }: LoadedProps<Data>) {
  const { data, error, refetch } = query
  if (data !== undefined) {
    return (
      <>
        {error !== null && <Alert color="yellow">This is not up to date: {wordsOf(error).title.toLowerCase()}.</Alert>}
        {children(data)}
      </>
    )
  }
  if (error !== null) return <ProblemAlert error={error} onRetry={() => void refetch()} />
  return (
    <Stack gap="xs" role="status" aria-busy="true" aria-label="Loading">
      <Skeleton height={36} />
      <Skeleton height={36} />
      <Skeleton height={36} />
    </Stack>
  )
}
