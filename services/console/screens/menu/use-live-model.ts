import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Dish, DishModel } from '../../api/calls.ts'
import { followEvents } from '../../api/event-stream.ts'
import { refresh } from '../../api/refresh.ts'
import { isMaking } from './model-words.ts'

/** Keeps the dish that is shown as the server tells it, step by step. */
export function useLiveModel(id: string): void {
  const client = useQueryClient()
  useEffect(() => {
    const leaving = new AbortController()
    const ofDish = { predicate: ({ queryKey: [key, input] }: { queryKey: readonly unknown[] }) => key === dishKey && isInputOf(input, id) }
    void followEvents(`/api/v1/dishes/${id}/events`, {
      signal: leaving.signal,
      onEvent({ type, data }) {
        if (type !== 'progress') return
        const model = JSON.parse(data) as DishModel
        client.setQueriesData<Dish>(ofDish, (dish) => dish && { ...dish, model })
        // What is served, and the photo, stand in the dish itself.
        if (!isMaking(model)) void refresh(client, ['/api/v1/dishes'])
      },
    })
    return () => leaving.abort()
  }, [client, id])
}

const dishKey = 'GET /api/v1/dishes/{id}'

function isInputOf(input: unknown, id: string): boolean {
  return (input as { params?: { id?: string } } | null)?.params?.id === id
}
