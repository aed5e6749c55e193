import { roleName } from '@slipway/db'
import type { AnyManifest } from '@slipway/service'
import {
  abortOpenUploads,
  type BucketRows,
  createStorage,
  type Discrepancy,
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
  await using storage = createStorage(target.storage)
  const findings: Finding[] = []
  for (const manifest of manifests) findings.push(...(await ofService({ target, storage, wish }, manifest)))
  const buckets = manifests.flatMap((manifest) => manifest.buckets)
  findings.push(...(await uploads(storage, buckets, wish)))
  return findings
}

interface Work {
  readonly target: Target
  readonly storage: Storage
  readonly wish: ReconcileWish
}

async function ofService({ target, storage, wish }: Work, { name, bucketRows }: AnyManifest): Promise<Finding[]> {
  if (!bucketRows) return []
  const user = roleName(name, 'system')
  await using database = databaseOf(target, { user, password: target.passwords(name).system }, poolSize)
  const findings: Finding[] = []
  for (const rows of bucketRows(database)) findings.push(...(await ofBucket({ storage, wish, service: name }, rows)))
  return findings
}

async function ofBucket({ storage, wish, service }: Omit<Work, 'target'> & { service: string }, rows: BucketRows): Promise<Finding[]> {
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

async function uploads(storage: Storage, buckets: readonly string[], { olderThan, repair }: ReconcileWish): Promise<Finding[]> {
  const name = 'content uploads'
  try {
    const open = await abortOpenUploads(storage, { olderThan, buckets, dryRun: !repair })
    if (open === 0) return [{ name, ...well('none is open for too long') }]
    return [{ name, ...(repair ? well(`${open} are ended`) : fault('content.uploads', `${open} are open`)) }]
  } catch (error) {
    return [{ name, ...connectionFault(error, 'storage') }]
  }
}
