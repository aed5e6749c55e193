import { z } from 'zod'

/** Sent over Redis to all worker hosts: something to relay, or a job to stop. */
const hint = z.union([z.object({ wake: z.string() }), z.object({ cancel: z.string() })])

export type Hint = z.infer<typeof hint>

export function readHint(message: string): Hint | null {
  try {
    return hint.parse(JSON.parse(message))
  } catch {
    return null
  }
}

type Listener = () => void

/** Who in this process wants to know that intents of a queue were committed: keyed by the declaration, which both sides import. */
const listenersOf = new WeakMap<object, Set<Listener>>()

/** @returns the function that ends it */
export function onIntent(definition: object, listener: Listener): Listener {
  const listeners = listenersOf.get(definition) ?? new Set()
  listenersOf.set(definition, listeners.add(listener))
  return () => listeners.delete(listener)
}

export function announceIntent(definition: object): void {
  for (const listener of listenersOf.get(definition) ?? []) listener()
}
