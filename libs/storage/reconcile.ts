import { DeleteObjectsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import type { Connection } from './connection.ts'
import { ask, storageProblem } from './error.ts'
import type { ObjectRef } from './object.ts'
import { headObject } from './reading.ts'
import { connectionOf, type Storage } from './storage.ts'

/** An object that a row refers to. */
export interface ExpectedObject {
  readonly key: string
  /** Bytes, where the row knows. */
  readonly size: number | null
}

/** What the rows of a service say about a bucket. */
export interface BucketRows {
  readonly bucket: string
  /** Which keys of a shared bucket are this service's; without it, all. */
  readonly isOurs?: (key: string) => boolean
  /** What has to be there, in the order of the keys (by bytes), in batches of any size. */
  expected(): AsyncIterable<readonly ExpectedObject[]>
  /** Where its object may have gone, as from quarantine to a readable bucket before the row was told. */
  readonly movedTo?: (key: string) => ObjectRef | undefined
  /** Which of these keys (at most 1000) rows refer to at this moment, those included whose object is still on its way. */
  known(keys: string[]): Promise<ReadonlySet<string>>
}

/**
 * `unknown`: an object that no row knows; nobody can read it. `lost`: a row whose object is not there. `changed`: an object of another
 * size than its row says.
 */
export type DiscrepancyKind = 'unknown' | 'lost' | 'changed'

export interface Discrepancy {
  readonly kind: DiscrepancyKind
  readonly bucket: string
  readonly key: string
}

export interface ReconcileOptions {
  /** Objects that are younger may have a row soon: above the longest upload and its transaction. */
  olderThan: Date
  /** Removes objects that no row knows. Nothing brings back what is lost. */
  repair: boolean
  onDiscrepancy?: (found: Discrepancy) => void
  signal?: AbortSignal
}

export interface Reconciliation {
  readonly bucket: string
  readonly objects: number
  readonly rows: number
  readonly found: Readonly<Record<DiscrepancyKind, number>>
  readonly removed: number
}

interface StoredKey {
  readonly key: string
  readonly size: number
  readonly modified: Date
}

/** Asked about at once, which is what S3 removes in one request. */
const batchSize = 1000

/**
 * Compares the rows of a bucket with its objects, both ways, in one pass over both in the order of their keys: memory does not grow with
 * their number. Rows and objects come and go meanwhile, so whatever does not fit is looked at again before it counts.
 * @throws storage.unavailable; what `rows` throws; an Error if either comes out of order, as then nothing could be said
 */
export async function reconcile(storage: Storage, rows: BucketRows, options: ReconcileOptions): Promise<Reconciliation> {
  const connection = connectionOf(storage)
  const tally = { objects: 0, rows: 0, found: { unknown: 0, lost: 0, changed: 0 }, removed: 0 }
  const judge = createJudge({ connection, rows, options, tally })
  for await (const { object, row } of sideBySide(listed(connection, rows), flat(rows.expected()))) {
    options.signal?.throwIfAborted()
    if (object) tally.objects++
    if (row) tally.rows++
    if (object && row) {
      if (row.size !== null && row.size !== object.size) await judge.rowsOnly(row)
    } else if (row) await judge.rowsOnly(row)
    else if (object && object.modified < options.olderThan) await judge.objectsOnly(object)
  }
  await judge.rest()
  return { bucket: rows.bucket, ...tally }
}

interface Case {
  readonly connection: Connection
  readonly rows: BucketRows
  readonly options: ReconcileOptions
  readonly tally: { found: Record<DiscrepancyKind, number>; removed: number }
}

/** Looks at suspects again, a batch at a time. */
function createJudge({ connection, rows, options, tally }: Case) {
  const suspects = { rows: [] as ExpectedObject[], objects: [] as StoredKey[] }
  const { bucket } = rows

  function tell(kind: DiscrepancyKind, key: string): void {
    tally.found[kind]++
    options.onDiscrepancy?.({ kind, bucket, key })
  }

  async function judgeRows(): Promise<void> {
    const batch = suspects.rows.splice(0)
    const known = await rows.known(batch.map(({ key }) => key))
    for (const { key, size } of batch.filter((each) => known.has(each.key))) {
      const moved = rows.movedTo?.(key)
      const head = (await headObject(connection, { bucket, key })) ?? (moved && (await headObject(connection, moved)))
      if (!head) tell('lost', key)
      else if (size !== null && head.size !== size) tell('changed', key)
    }
  }

  async function judgeObjects(): Promise<void> {
    const batch = suspects.objects.splice(0)
    const known = await rows.known(batch.map(({ key }) => key))
    const unknown = batch.filter(({ key }) => !known.has(key))
    for (const { key } of unknown) tell('unknown', key)
    if (options.repair && unknown.length > 0) tally.removed += await removeAll(connection, bucket, unknown)
  }

  return {
    async rowsOnly(row: ExpectedObject) {
      if (suspects.rows.push(row) === batchSize) await judgeRows()
    },
    async objectsOnly(object: StoredKey) {
      if (suspects.objects.push(object) === batchSize) await judgeObjects()
    },
    async rest() {
      if (suspects.rows.length > 0) await judgeRows()
      if (suspects.objects.length > 0) await judgeObjects()
    },
  }
}

async function removeAll(connection: Connection, bucket: string, objects: readonly StoredKey[]): Promise<number> {
  const Delete = { Objects: objects.map(({ key }) => ({ Key: key })), Quiet: true }
  const { Errors = [] } = await ask(connection.client.send(new DeleteObjectsCommand({ Bucket: connection.bucket(bucket), Delete })))
  if (Errors.length > 0) throw storageProblem(new Error(`${Errors[0]?.Key} cannot be removed: ${Errors[0]?.Message}`))
  return objects.length
}

async function* listed({ client, bucket: nameOf }: Connection, { bucket, isOurs }: BucketRows): AsyncGenerator<StoredKey> {
  const pages = paginateListObjectsV2({ client, pageSize: batchSize }, { Bucket: nameOf(bucket) })
  const pageOf = async () => (await ask(pages.next())).value
  for (let page = await pageOf(); page !== undefined; page = await pageOf()) {
    for (const { Key: key = '', Size: size = 0, LastModified: modified = new Date() } of page.Contents ?? [])
      if (isOurs === undefined || isOurs(key)) yield { key, size, modified }
  }
}

async function* flat<Each>(batches: AsyncIterable<readonly Each[]>): AsyncGenerator<Each> {
  for await (const batch of batches) yield* batch
}

/** Walks two ordered sequences at the pace of their keys: each key once, with what either has of it. */
async function* sideBySide(
  objects: AsyncGenerator<StoredKey>,
  rows: AsyncGenerator<ExpectedObject>,
): AsyncGenerator<{ object?: StoredKey; row?: ExpectedObject }> {
  const left = ordered(objects, 'the store lists its keys')
  const right = ordered(rows, 'rows come')
  try {
    let object = await left.next()
    let row = await right.next()
    while (!object.done || !row.done) {
      const order = object.done ? 1 : row.done ? -1 : compare(object.value.key, row.value.key)
      yield { ...(order <= 0 && !object.done ? { object: object.value } : {}), ...(order >= 0 && !row.done ? { row: row.value } : {}) }
      if (order <= 0) object = await left.next()
      if (order >= 0) row = await right.next()
    }
  } finally {
    await objects.return(undefined)
    await rows.return(undefined)
  }
}

async function* ordered<Each extends { readonly key: string }>(source: AsyncGenerator<Each>, who: string): AsyncGenerator<Each> {
  let last: string | undefined
  for await (const each of source) {
    if (last !== undefined && compare(last, each.key) >= 0) throw new Error(`${who} out of order: "${each.key}" after "${last}"`)
    last = each.key
    yield each
  }
}

/** As S3 orders keys: by the bytes of their UTF-8. */
function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
