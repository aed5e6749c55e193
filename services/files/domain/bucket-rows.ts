import { type Database, inBatches, type Transaction } from '@slipway/db'
import { type BucketRows, type ExpectedObject, type ObjectRef, quarantineBucket } from '@slipway/storage'
import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import { files, quarantine } from '../schema.ts'
import { contentId, contentIdOfKey, filesBucket } from './object.ts'
import { knownPieces } from './resumable-sweep.ts'

// Ids are compared by their bytes, and so are keys.
const readable = `
  select tenant_id || '/' || coalesce(content_id, id) as key, size from files.files where verdict = 'clean'
  order by tenant_id, coalesce(content_id, id)`

// What was refused is evidence, what is pending is all that there is of an upload.
const quarantined = `
  select quarantine ->> 'key' collate "C" as key, size from files.files where verdict = 'pending'
  union all
  select object_key collate "C" as key, size from files.quarantine where found_by <> 'rescan' or isolated_at is not null
  order by key`

/** What the rows of files say of the bucket of readable content and of quarantine. */
export function bucketRows(system: Database): [readable: BucketRows, quarantined: BucketRows] {
  const ask = (question: typeof knownReadableKeys) => (keys: string[]) => system.transaction((tx) => question(tx, keys), { readOnly: true })
  return [
    { bucket: filesBucket, expected: () => expected(system, readable), known: ask(knownReadableKeys) },
    {
      bucket: quarantineBucket,
      isOurs: (key) => key.split('/')[1] === filesBucket,
      movedTo: readableOf,
      expected: () => expected(system, quarantined),
      known: ask(knownQuarantineKeys),
    },
  ]
}

/** `<tenant>/files/<key>/<upload>`: keys in quarantine say where their content is to go. */
function readableOf(key: string): ObjectRef {
  return { bucket: filesBucket, key: key.split('/').slice(2, -1).join('/') }
}

/** Sizes of 64 bits come as text. */
async function* expected(system: Database, query: string): AsyncGenerator<ExpectedObject[]> {
  for await (const rows of inBatches<{ key: string; size: string }>(system, query))
    yield rows.map(({ key, size }) => ({ key, size: Number(size) }))
}

export async function knownQuarantineKeys(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const key = sql<string>`${files.quarantine} ->> 'key'`
  const pending = await tx
    .select({ key })
    .from(files)
    .where(and(eq(files.verdict, 'pending'), inArray(key, keys)))
  const refused = await tx.select({ key: quarantine.objectKey }).from(quarantine).where(inArray(quarantine.objectKey, keys))
  const pieces = await knownPieces(tx, keys)
  return new Set([...pieces, ...[...pending, ...refused].map((row) => row.key)])
}

export async function knownReadableKeys(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const ids = keys.flatMap((key) => contentIdOfKey(key) ?? [])
  if (ids.length === 0) return new Set()
  const readable = await tx
    .select({ id: contentId, tenantId: files.tenantId })
    .from(files)
    .where(and(inArray(contentId, ids), inArray(files.verdict, ['pending', 'clean'])))
  // What a rescan found is evidence, and stays until `file-isolation` has moved it.
  const evidenceId = sql<string>`coalesce(${quarantine.contentId}, ${quarantine.id})`
  const waiting = await tx
    .select({ id: evidenceId, tenantId: quarantine.tenantId })
    .from(quarantine)
    .where(and(inArray(evidenceId, ids), eq(quarantine.foundBy, 'rescan'), isNull(quarantine.isolatedAt)))
  return new Set([...readable, ...waiting].map((row) => `${row.tenantId}/${row.id}`))
}
