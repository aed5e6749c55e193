import { connect, inBatches } from '@slipway/db'
import { createStorage, type ExpectedObject, type Reconciliation, reconcile, type StorageOptions } from '@slipway/storage'
import { answerParent } from './child.ts'

export interface SweepSettings {
  readonly databaseUrl: string
  readonly storage: StorageOptions
  readonly bucket: string
}

export interface Swept extends Reconciliation {
  readonly seconds: number
  /** What the process had at most, by the kernel. */
  readonly peakMebibytes: number
}

/** As the sweep of files does: rows by a cursor, suspects asked about again. */
answerParent(async ({ databaseUrl, storage: options, bucket }: SweepSettings): Promise<Swept> => {
  await using database = connect({ url: databaseUrl, poolSize: 2 })
  await using storage = createStorage(options)
  const began = performance.now()
  const result = await reconcile(
    storage,
    { bucket, expected: () => expected(database, bucket), known: (keys) => known(database, bucket, keys) },
    { olderThan: new Date(Date.now() + 60_000), repair: false },
  )
  return { ...result, seconds: (performance.now() - began) / 1000, peakMebibytes: process.resourceUsage().maxRSS / 1024 }
})

type Rows = Pick<ReturnType<typeof connect>, 'pool'>

async function* expected(database: Rows, bucket: string): AsyncGenerator<ExpectedObject[]> {
  const query = `select key, size from bench.contents_of_${bucket} order by key`
  for await (const rows of inBatches<{ key: string; size: string }>(database, query))
    yield rows.map(({ key, size }) => ({ key, size: Number(size) }))
}

async function known({ pool }: Rows, bucket: string, keys: string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ key: string }>(`select key from bench.contents_of_${bucket} where key = any($1)`, [keys])
  return new Set(rows.map(({ key }) => key))
}
