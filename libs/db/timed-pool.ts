import type { Pool, PoolClient } from 'pg'

/** `error` is the name of what came instead of a connection; null when there was one. */
export type OnAcquire = (acquired: { readonly seconds: number; readonly error: string | null }) => void

type Callback = (error: Error | undefined, client: PoolClient | undefined, done: (release?: unknown) => void) => void

/** `pool.query` takes its connections by `connect` too, so this sees all of them. */
export function timePool(pool: Pool, tell: OnAcquire): void {
  const original = pool.connect.bind(pool)
  function connect(): Promise<PoolClient>
  function connect(callback: Callback): void
  function connect(callback?: Callback): Promise<PoolClient> | void {
    const began = performance.now()
    const end = (error: unknown) => tell({ seconds: (performance.now() - began) / 1000, error: error instanceof Error ? error.name : null })
    if (callback) {
      // oxlint-disable-next-line eslint/max-params -- pg calls it so
      return original((error, client, done) => {
        end(error)
        callback(error, client, done)
      })
    }
    const acquired = original()
    acquired.then(() => end(null), end)
    return acquired
  }
  pool.connect = connect
}
