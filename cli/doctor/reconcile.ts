import { roleName } from '@slipway/db'
import type { AnyManifest } from '@slipway/service'
import {
  abortOpenUploads,
  type BucketRows,
  createStorage,
  type Discrepancy,
  quarantineBucket,
  type Reconciliation,
  reconcile,
  type Storage,
} from '@slipway/storage'
import type { Target } from '../target.ts'
import { type Finding, fault, well } from './checks.ts'
import { connectionFault } from './connection-fault.ts'
import { databaseOf } from './database.ts'

export interface ReconcileWish {
  /** Objects and uploads that are younger are left alone. */
  readonly olderThan: Date
  readonly repair: boolean
}

/** One reads rows to their end while the other asks again. */
const poolSize = 2
/** Keys in a finding at most: as many as a person looks at. */
const named = 20

/**
 * Compares the rows of every service with the objects of its buckets, one after the other: one finding for each bucket, and one for
 * uploads that nobody ends. Takes a minute or so for a million objects.
 */
export async function reconcileAll(target: Target, manifests: readonly AnyManifest[], wish: ReconcileWish): Promise<Finding[]> {
  await using stack = new AsyncDisposableStack()
  const storage = stack.use(createStorage(target.storage))
  const all = manifests.flatMap((manifest) => rowsOf(manifest, stack, target))
  const findings: Finding[] = []
  for (const { service, rows } of all) findings.push(...(await ofBucket({ storage, wish, service }, rows)))
  const quarantined = all.filter(({ rows }) => rows.bucket === quarantineBucket).map(({ rows }) => rows)
  const buckets = manifests.flatMap((manifest) => manifest.buckets)
  return [...findings, ...(await uploads(storage, { ...wish, buckets, quarantined }))]
}

interface ServiceRows {
  readonly service: string
  readonly rows: BucketRows
}

function rowsOf({ name, bucketRows }: AnyManifest, stack: AsyncDisposableStack, target: Target): ServiceRows[] {
  if (!bucketRows) return []
  const user = roleName(name, 'system')
  const database = stack.use(databaseOf(target, { user, password: target.passwords(name).system }, poolSize))
  return bucketRows(database).map((rows) => ({ service: name, rows }))
}

interface BucketWork {
  readonly storage: Storage
  readonly wish: ReconcileWish
  readonly service: string
}

async function ofBucket({ storage, wish, service }: BucketWork, rows: BucketRows): Promise<Finding[]> {
  const name = `content ${service} ${rows.bucket}`
  const keys = { lost: [] as string[], unknown: [] as string[] }
  const onDiscrepancy = ({ kind, key }: Discrepancy) => {
    const list = kind === 'unknown' ? keys.unknown : keys.lost
    if (list.length < named) list.push(kind === 'changed' ? `${key} (other size)` : key)
  }
  try {
    const result = await reconcile(storage, rows, { ...wish, onDiscrepancy })
    return findingsOf(result, keys).map((outcome) => ({ name, ...outcome }))
  } catch (error) {
    return [{ name, ...connectionFault(error, undefined) }]
  }
}

function findingsOf({ objects, rows, found, removed }: Reconciliation, keys: { lost: string[]; unknown: string[] }) {
  const lost = found.lost + found.changed
  const left = found.unknown - removed
  const told = `${objects} objects and ${rows} rows`
  return [
    ...(lost > 0 ? [fault('content.lost', `${lost} of ${rows} rows: ${listed(keys.lost, lost)}`)] : []),
    ...(left > 0 ? [fault('content.unknown', `${left} of ${objects} objects: ${listed(keys.unknown, left)}`)] : []),
    ...(removed > 0 ? [well(`${told}; ${removed} objects that no row knew are removed`)] : []),
    ...(lost + left + removed === 0 ? [well(`${told}, each with the other`)] : []),
  ]
}

function listed(keys: readonly string[], all: number): string {
  return all > keys.length ? `${keys.join(', ')} and ${all - keys.length} more` : keys.join(', ')
}

interface UploadsWish extends ReconcileWish {
  readonly buckets: readonly string[]
  readonly quarantined: readonly BucketRows[]
}

/** Those that a client may still go on with are known to rows. */
async function uploads(storage: Storage, { olderThan, repair, buckets, quarantined }: UploadsWish): Promise<Finding[]> {
  const name = 'content uploads'
  const isKnown = async (keys: string[]) => {
    const known = await Promise.all(quarantined.map((rows) => rows.known(keys)))
    return new Set(known.flatMap((each) => [...each]))
  }
  try {
    const open = await abortOpenUploads(storage, { olderThan, buckets, isKnown, dryRun: !repair })
    if (open === 0) return [{ name, ...well('none is open for too long') }]
    return [{ name, ...(repair ? well(`${open} are ended`) : fault('content.uploads', `${open} are open`)) }]
  } catch (error) {
    return [{ name, ...connectionFault(error, 'storage') }]
  }
}
