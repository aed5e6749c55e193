import type { AnyManifest } from '@slipway/service'
import { type BucketFault, createStorage, listsOpenUploads } from '@slipway/storage'
import type { Target } from '../target.ts'
import { type Check, fault, type Outcome, well } from './checks.ts'
import { compareClocks } from './clock.ts'
import type { Subject } from './facts.ts'
import type { FaultId } from './faults.ts'

const quarantine = 'quarantine'

/** Object storage: each bucket, and whether it is S3 at all. */
export function storageChecks({ target, manifests }: Subject): Check[] {
  const part = 'storage'
  const buckets = [quarantine, ...manifests.flatMap((manifest) => manifest.buckets)]
  const next: Check[] = [
    { name: 'storage clock', part, run: () => clock(target) },
    ...buckets.slice(1).map((bucket) => ({ name: `bucket ${bucket}`, part, run: () => look(target, bucket) }) as const),
    { name: 'storage conformance', part, run: () => conformance(target, manifests) },
  ]
  // Keys, region and addresses are the same for all of them: told once.
  return [{ name: 'storage', part, run: () => look(target, quarantine), next }]
}

const ids: Readonly<Record<BucketFault, FaultId>> = {
  missing: 'storage.bucket',
  keys: 'storage.keys',
  denied: 'storage.denied',
  'read-only': 'storage.read-only',
  region: 'storage.region',
  clock: 'storage.clock',
}

async function look(target: Target, name: string): Promise<Outcome> {
  await using store = createStorage(target.storage)
  const bucket = `${target.storage.bucketPrefix}${name}`
  const { fault: found, detail, region } = await store.diagnose(name)
  if (found === null) return well(`${bucket} ${detail}`)
  if (found !== 'region') return fault(ids[found], `${bucket}: ${detail}`)
  return fault(
    'storage.region',
    `${bucket}: ${region === null ? '' : `it is in ${region}, S3_REGION is ${target.storage.region}; `}${detail}`,
  )
}

async function clock(target: Target): Promise<Outcome> {
  await using store = createStorage(target.storage)
  // The first request opens the connection, whose time is nobody's.
  const { now } = await store.diagnose(quarantine)
  if (now === null) return well('the store does not tell the time')
  const read = async () => (await store.diagnose(quarantine)).now ?? Date.now()
  return await compareClocks('storage.clock', { read, resolution: 1000 })
}

async function conformance(target: Target, manifests: readonly AnyManifest[]): Promise<Outcome> {
  const bucket = manifests.flatMap((manifest) => manifest.buckets)[0] ?? quarantine
  await using store = createStorage(target.storage)
  const { ok, checks } = await store.probe(bucket)
  const failed = checks.filter((check) => !check.ok)
  const told = failed.map((check) => `${check.name}${check.detail ? ` (${check.detail})` : ''}`).join('; ')
  if (!ok) return fault('storage.conformance', told)
  if (failed.some(({ name }) => name === listsOpenUploads)) return fault('storage.uploads', `not so: ${listsOpenUploads}`)
  return well(`${checks.length} conformance checks passed`)
}
