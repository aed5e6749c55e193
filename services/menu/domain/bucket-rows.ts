import { type Database, inBatches, type Transaction } from '@slipway/db'
import type { BucketRows, ExpectedObject } from '@slipway/storage'
import { inArray, or } from 'drizzle-orm'
import { models, photos } from '../schema.ts'
import { imagesBucket, modelIdOf, modelsBucket, objectsOfResult } from './object.ts'

const images = `
  select key collate "C" as key, bytes::text as size from menu.photos where key is not null
  union all
  select source_key collate "C" as key, null as size from menu.photos where source_key is not null
  order by key`

const outputs = `
  select file.value ->> 'key' collate "C" as key, file.value ->> 'bytes' as size
  from menu.models, jsonb_each(result -> 'files') as file where result is not null order by key`

/** What the rows of the menu say of its buckets. Nothing of it stays in quarantine for long. */
export function bucketRows(system: Database): [images: BucketRows, outputs: BucketRows] {
  const ask = (question: typeof knownImages) => (keys: string[]) => system.transaction((tx) => question(tx, keys), { readOnly: true })
  return [
    { bucket: imagesBucket, expected: () => expected(system, images), known: ask(knownImages) },
    { bucket: modelsBucket, expected: () => expected(system, outputs), known: ask(knownOutputs) },
  ]
}

async function* expected(system: Database, query: string): AsyncGenerator<ExpectedObject[]> {
  for await (const rows of inBatches<{ key: string; size: string | null }>(system, query))
    yield rows.map(({ key, size }) => ({ key, size: size === null ? null : Number(size) }))
}

async function knownImages(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const rows = await tx
    .select({ key: photos.key, sourceKey: photos.sourceKey })
    .from(photos)
    .where(or(inArray(photos.key, keys), inArray(photos.sourceKey, keys)))
  return new Set(rows.flatMap(({ key, sourceKey }) => [key, sourceKey].filter((each) => each !== null)))
}

async function knownOutputs(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const ids = [...new Set(keys.flatMap((key) => modelIdOf(key) ?? []))]
  if (ids.length === 0) return new Set()
  const rows = await tx.select({ result: models.result }).from(models).where(inArray(models.id, ids))
  return new Set(rows.flatMap(({ result }) => objectsOfResult(result).map(({ key }) => key)))
}
