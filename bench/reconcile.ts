import { withClient } from '@slipway/db'
import { startPostgres, startSeaweed } from '@slipway/stack'
import { createStorage } from '@slipway/storage'
import { asDeployed, type ChildOptions, startChild } from './child.ts'
import type { SweepSettings, Swept } from './reconcile.child.ts'
import { publish } from './results.ts'
import { openHome } from './rows/home.ts'
import { presign } from './rows/presign.ts'

/**
 * What a sweep over all rows and objects takes, and whether its memory grows with them: a few against many, each in a fresh process, on
 * a real Postgres and a real object store. In both, one object in a thousand has no row and one row in a thousand no object; a sweep
 * that does not find exactly these fails. `node bench/reconcile.ts [objects]`; writing them takes longest.
 */
const [many = 1_000_000] = process.argv.slice(2).map(Number)
const few = 2000
const writers = 32
const strays = 1000
/** Garbage is collected before it has piled up, so that what grows is what is held. */
const heapMebibytes = 64
const tight: ChildOptions = { arguments: [...(asDeployed.arguments ?? []), `--max-old-space-size=${heapMebibytes}`] }

await using stack = new AsyncDisposableStack()
const home = await openHome(stack)
const seaweed = stack.use(await startSeaweed({ home, durable: false }))
const postgres = stack.use(await startPostgres({ home }))
const { endpoint, region, accessKey, secretKey } = seaweed
const options = { endpoint, region, accessKey, secretKey, pathStyle: true, bucketPrefix: 'bench-' }

await using storage = createStorage(options)
await storage.ensureBuckets(['few', 'many'])
await withClient({ url: postgres.adminUrl }, (admin) => admin.query('create schema bench'))
const result = { few: await measure('few', few), many: await measure('many', many) }
const growth = result.many.peakMebibytes - result.few.peakMebibytes
publish('reconcile', {
  ...result,
  heapMebibytes,
  mebibytesMore: Math.round(growth),
  secondsForAMillion: Math.round((result.many.seconds / many) * 1_000_000),
})

async function measure(bucket: string, objects: number) {
  await writeRows(bucket, objects)
  await writeObjects(bucket, objects)
  await using child = await startChild(new URL('reconcile.child.ts', import.meta.url), tight)
  const swept = await child.ask<Swept>({ databaseUrl: postgres.adminUrl, storage: options, bucket } satisfies SweepSettings)
  const expected = { unknown: objects / strays, lost: objects / strays, changed: 0 }
  if (JSON.stringify(swept.found) !== JSON.stringify(expected))
    throw new Error(`found ${JSON.stringify(swept.found)} instead of ${JSON.stringify(expected)}`)
  return {
    objects: swept.objects,
    rows: swept.rows,
    seconds: Math.round(swept.seconds * 10) / 10,
    peakMebibytes: Math.round(swept.peakMebibytes),
  }
}

/** One tenant; the last of each thousand has no row, the first but one no object. */
function keyOf(index: number): string {
  return `00000000-0000-4000-8000-000000000000/${String(index).padStart(12, '0')}`
}

async function writeRows(bucket: string, objects: number): Promise<void> {
  await withClient({ url: postgres.adminUrl }, async (admin) => {
    await admin.query(`create table bench.contents_of_${bucket} (key text collate "C" primary key, size bigint not null)`)
    await admin.query(
      `insert into bench.contents_of_${bucket}
       select $1 || lpad(index::text, 12, '0'), 1 from generate_series(0, $2 - 1) index where index % $3 <> $3 - 1`,
      [keyOf(0).slice(0, -12), objects, strays],
    )
    await admin.query(`vacuum analyze bench.contents_of_${bucket}`)
  })
}

async function writeObjects(bucket: string, objects: number): Promise<void> {
  let next = 0
  const write = async () => {
    for (let index = next++; index < objects; index = next++)
      if (index % strays !== 1) await put(`/${options.bucketPrefix}${bucket}/${keyOf(index)}`)
  }
  await Promise.all(Array.from({ length: writers }, write))
}

async function put(path: string): Promise<void> {
  const url = presign({ method: 'PUT', endpoint, region, accessKey, secretKey, path, seconds: 60 })
  const answer = await fetch(url, { method: 'PUT', body: 'x' })
  await answer.arrayBuffer()
  if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status}`)
}
