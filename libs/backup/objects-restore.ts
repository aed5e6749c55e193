import { isProblem } from '@slipway/problem'
import type { Storage } from '@slipway/storage'
import { bringBack, DigestError, type Vault } from '@slipway/storage/backup'
import { digestOf, inParallel } from './digest.ts'
import { BackupError } from './error.ts'
import { checkIndex, readIndex } from './index-file.ts'
import { type IndexLine, keyOf, type ObjectsManifest } from './manifest.ts'

const page = 500
/** Each may hold two parts in memory. */
const atOnce = 4

interface RestoreObjects {
  readonly vault: Vault
  readonly storage: Storage
  readonly manifest: ObjectsManifest
}

/**
 * Reads the index and every copy that will be brought back, to the last byte, and writes nothing.
 * @returns how many objects are missing or different in the buckets
 * @throws {BackupError} with the first damages
 */
export async function checkObjects({ vault, storage, manifest }: RestoreObjects): Promise<number> {
  await checkIndex(vault, manifest)
  const faults: string[] = []
  let seen = 0
  let missing = 0
  for await (const lines of pagesOf(readIndex(vault, manifest.id))) {
    seen += lines.length
    const outcomes = await inParallel(lines, atOnce, async (line) =>
      (await isThere(storage, line)) ? undefined : await faultOf(vault, line),
    )
    missing += outcomes.filter((outcome) => outcome !== undefined).length
    faults.push(...outcomes.flatMap((outcome) => outcome || []))
    if (faults.length >= 10) break
  }
  if (faults.length > 0) throw new BackupError(`objects backup ${manifest.id} is damaged: ${faults.slice(0, 10).join('; ')}`)
  if (seen !== manifest.objects) throw new BackupError(`objects backup ${manifest.id} has ${seen} objects, not ${manifest.objects}`)
  return missing
}

async function faultOf(vault: Vault, { bucket, key, size, sha256 }: IndexLine): Promise<string> {
  try {
    const actual = await digestOf((await vault.read(keyOf.content(sha256))).stream)
    return actual.size === size && actual.sha256 === sha256 ? '' : `the copy of ${bucket}/${key} has other bytes`
  } catch (error) {
    if (!isProblem(error, 'resource.not-found')) throw error
    return `the copy of ${bucket}/${key} is missing`
  }
}

/** What the scan gate wrote down with the object counts: reading all of it would take as long as copying. */
async function isThere(storage: Storage, { bucket, key, size, sha256, metadata }: IndexLine): Promise<boolean> {
  const head = await storage.head({ bucket, key })
  return head?.size === size && head.metadata['sha256'] === sha256 && metadata['sha256'] === sha256
}

/**
 * Brings back what is missing or different; what is there beside stays, as it may be of rows that are there. Run again after a failure, it
 * goes on where it was.
 * @returns how many objects were written
 */
export async function restoreObjects({ vault, storage, manifest }: RestoreObjects): Promise<number> {
  await storage.ensureBuckets(manifest.buckets)
  let written = 0
  for await (const lines of pagesOf(readIndex(vault, manifest.id))) {
    const outcomes = await inParallel(lines, atOnce, async (line) => {
      if (await isThere(storage, line)) return 0
      await restoreOne(vault, storage, line)
      return 1
    })
    written += outcomes.reduce<number>((sum, one) => sum + one, 0)
  }
  return written
}

async function restoreOne(vault: Vault, storage: Storage, line: IndexLine): Promise<void> {
  try {
    await bringBack(storage, line, (await vault.read(keyOf.content(line.sha256))).stream)
  } catch (error) {
    if (error instanceof DigestError) throw new BackupError(`the copy of ${line.bucket}/${line.key} has other bytes`, { cause: error })
    throw error
  }
}

async function* pagesOf(lines: AsyncIterable<IndexLine>): AsyncGenerator<IndexLine[]> {
  let batch: IndexLine[] = []
  for await (const line of lines) {
    batch.push(line)
    if (batch.length === page) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
