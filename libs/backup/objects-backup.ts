import { isProblem } from '@slipway/problem'
import type { Storage } from '@slipway/storage'
import { type Digest, DigestError, existingBuckets, listObjects, type Vault } from '@slipway/storage/backup'
import { longestRun, prune, type Retention, readCatalog, writeManifest } from './catalog.ts'
import { DigestSet, digestOf, inParallel } from './digest.ts'
import { BackupError } from './error.ts'
import { readIndex, writeIndex } from './index-file.ts'
import { backupId, type IndexLine, keyOf, type ObjectsManifest } from './manifest.ts'
import type { Published } from './postgres-backup.ts'

/** Content that no backup names is kept so long: the run that is to name it may still go on. */
const contentGrace = 3 * longestRun
/** Content that no backup names, and that is younger than this, stays long enough for the run that finds it. */
const reusable = 2 * longestRun
/** Each may hold two parts in memory. */
const copiesAtOnce = 4

export interface BackUpObjects extends Retention {
  readonly vault: Vault
  readonly storage: Storage
  /**
   * Readable buckets, without the installation's prefix; those of services that are switched off may be missing. Quarantine is none: what is
   * evil or unjudged is not worth keeping.
   */
  readonly buckets: readonly string[]
  /** Version of Slipway. */
  readonly app: string
  readonly now: () => number
}

export interface ObjectsReport extends Published<ObjectsManifest> {
  /** Objects whose bytes were read and stored by this run; all others were there already. */
  readonly copied: number
  /** Objects that went while this run looked. */
  readonly vanished: number
  /** Copies that no backup names any more, and that were removed. */
  readonly removed: number
}

/**
 * Copies every object that the newest backup has not got, each under its SHA-256: what is stored under two names, or was there in an earlier
 * backup, is stored once. Memory does not grow with the number of objects but for some bytes each.
 * @throws {BackupError} when copies are missing in the end
 */
export async function backUpObjects(options: BackUpObjects): Promise<ObjectsReport> {
  const { vault, storage, now, keepDays, keepAtLeast } = options
  const started = now()
  const buckets = (await existingBuckets(storage, options.buckets)).sort()
  if (buckets.length === 0)
    throw new BackupError(`none of the buckets is there: ${options.buckets.join(', ')}`, { fix: 'see that S3_BUCKET_PREFIX is right' })
  const { backups } = await readCatalog(vault)
  const previous = backups.find((backup): backup is ObjectsManifest => backup.kind === 'objects')
  const whole = await run(options, { started, buckets, previous })
  // Copies of an earlier backup that were lost since are made again.
  const made = whole ?? (await run(options, { started, buckets, previous: undefined }))
  if (!made) throw new BackupError('copies are missing in the vault after all objects were copied: somebody else removes them')
  await writeManifest(vault, made.manifest)
  const expired = await prune(vault, { kind: 'objects', keepDays, keepAtLeast, now: now() })
  return { ...made, expired, removed: await pruneContent(vault, now()) }
}

interface Run {
  readonly started: number
  readonly buckets: readonly string[]
  readonly previous: ObjectsManifest | undefined
}

/** Everything but the manifest; nothing when the vault lacks a copy that the index names. */
async function run(options: BackUpObjects, { started, buckets, previous }: Run) {
  const { vault, app, now } = options
  const id = backupId(started)
  if (await vault.head(keyOf.manifest('objects', id))) throw new BackupError(`there is an objects backup ${id} already`)
  const index = writeIndex(vault, id)
  const known = createCursor(previous ? readIndex(vault, previous.id) : nothing())
  const tally = createTally()
  try {
    for (const bucket of buckets) {
      for await (const outcome of copies({ ...options, bucket, known, now: started })) {
        tally.add(outcome)
        if (outcome) await index.write(outcome.line)
      }
    }
  } catch (error) {
    await index.fail(error instanceof Error ? error : new Error(String(error)))
    throw error
  } finally {
    await known.close()
  }
  const { size, sha256 } = await index.end()
  if (await lacks(vault, tally.named)) return undefined
  const { objects, bytes, damaged, copied, vanished } = tally.counts
  const times = { startedAt: new Date(started).toISOString(), endedAt: new Date(now()).toISOString() }
  const about = { version: 1, kind: 'objects', id, app, ...times } as const
  const manifest = { ...about, buckets: [...buckets], objects, bytes, index: { bytes: size, sha256 }, damaged }
  return { manifest, copied, vanished }
}

function createTally() {
  const named = new DigestSet()
  const counts = { objects: 0, bytes: 0, copied: 0, damaged: 0, vanished: 0 }
  const add = (outcome: Copied | undefined) => {
    if (!outcome) {
      counts.vanished++
      return
    }
    counts.objects++
    counts.bytes += outcome.line.size
    counts.copied += Number(outcome.copied)
    counts.damaged += Number(outcome.damaged)
    named.add(outcome.line.sha256)
  }
  return { named, counts, add }
}

interface BucketRun {
  readonly vault: Vault
  readonly storage: Storage
  readonly bucket: string
  readonly known: Cursor
  readonly now: number
}

/** What became of each object of a bucket, in the order of the listing, page by page. */
async function* copies({ known, ...source }: BucketRun): AsyncGenerator<Copied | undefined> {
  const { bucket, storage } = source
  for await (const page of listObjects(storage, bucket)) {
    const earlier: (IndexLine | undefined)[] = []
    for (const { key } of page) earlier.push(await known.find({ bucket, key }))
    yield* await inParallel([...page.entries()], copiesAtOnce, async ([place, { key, etag, size }]) => {
      const same = earlier[place]
      const isSame = same?.etag === etag && same.size === size
      return isSame ? { line: same, copied: false, damaged: false } : await copy({ ...source, key })
    })
  }
}

async function* nothing(): AsyncGenerator<never> {}

type Cursor = ReturnType<typeof createCursor>

/** Walks an index beside a listing. Both are sorted; where they are not, an object counts as new, which costs a look. */
function createCursor(lines: AsyncGenerator<IndexLine>) {
  let current: IndexLine | undefined
  const advance = async (): Promise<IndexLine | undefined> => {
    const { value, done } = await lines.next()
    return done ? undefined : value
  }
  return {
    async find(place: Place): Promise<IndexLine | undefined> {
      current ??= await advance()
      while (current && isBefore(current, place)) current = await advance()
      return current?.bucket === place.bucket && current.key === place.key ? current : undefined
    },
    close: () => lines.return(undefined),
  }
}

interface Place {
  readonly bucket: string
  readonly key: string
}

/** Stores sort keys by their UTF-8 bytes. */
function isBefore(a: Place, b: Place): boolean {
  if (a.bucket !== b.bucket) return a.bucket < b.bucket
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) < 0
}

interface Source extends Place {
  readonly vault: Vault
  readonly storage: Storage
  readonly now: number
}

interface Copied {
  readonly line: IndexLine
  readonly copied: boolean
  readonly damaged: boolean
}

/**
 * Undefined when the object is gone. Objects are hardly ever replaced by others under their key, so that a few more tries meet bytes that
 * stay; a store that refuses the ETag that it has just told would be asked for ever.
 */
async function copy(source: Source, tries = 3): Promise<Copied | undefined> {
  const head = await source.storage.head(source)
  if (!head) return undefined
  const { bucket, key } = source
  const { size, etag, contentType, metadata } = head
  try {
    const declared = metadata['sha256'] ?? (await digestOf(await bytesOf(source, etag))).sha256
    const { digest, copied } = await store(source, { etag, expected: { size, sha256: declared } })
    const line = { bucket, key, size: digest.size, etag, sha256: digest.sha256, contentType, metadata }
    return { line, copied, damaged: digest.sha256 !== declared }
  } catch (error) {
    if (!isProblem(error, 'resource.not-found') && !isProblem(error, 'precondition.failed')) throw error
    if (!(await source.storage.head(source))) return undefined
    if (tries > 1) return await copy(source, tries - 1)
    throw new BackupError(`${bucket}/${key} is another object each time that it is read`, { cause: error })
  }
}

async function bytesOf({ storage, bucket, key }: Source, etag: string) {
  return (await storage.read({ bucket, key }, { ifMatch: etag })).stream
}

interface Wanted {
  readonly etag: string
  readonly expected: Digest
}

async function store(source: Source, { etag, expected }: Wanted): Promise<{ digest: Digest; copied: boolean }> {
  const { vault, now } = source
  const key = keyOf.content(expected.sha256)
  const there = await vault.head(key)
  const isYoung = (there?.lastModified?.getTime() ?? 0) > now - reusable
  if (there?.size === expected.size && isYoung) return { digest: expected, copied: false }
  try {
    return { digest: await vault.put(key, await bytesOf(source, etag), { expected }), copied: true }
  } catch (error) {
    if (!(error instanceof DigestError)) throw error
    // It decayed at its source: better to keep what there is, and to say so, than to have no backup of anything.
    const digest = error.actual
    await vault.put(keyOf.content(digest.sha256), await bytesOf(source, etag), { expected: digest })
    return { digest, copied: true }
  }
}

async function lacks(vault: Vault, named: DigestSet): Promise<boolean> {
  for await (const page of vault.list(keyOf.content(''))) for (const { key } of page) named.mark(digestIn(key))
  return named.unmarked > 0
}

function digestIn(key: string): string {
  return key.slice(keyOf.content('').length)
}

/** Removes copies that no backup names, once no run can be about to name them. */
async function pruneContent(vault: Vault, now: number): Promise<number> {
  const { backups, unreadable } = await readCatalog(vault)
  // What a manifest names that cannot be read is not known.
  if (unreadable.some(({ kind }) => kind === 'objects')) return 0
  const named = new DigestSet()
  for (const { id } of backups.filter(({ kind }) => kind === 'objects')) {
    for await (const { sha256 } of readIndex(vault, id)) named.add(sha256)
  }
  let removed = 0
  for await (const page of vault.list(keyOf.content(''))) {
    const old = page.filter(({ key, lastModified }) => lastModified.getTime() < now - contentGrace && !named.has(digestIn(key)))
    await vault.remove(old.map(({ key }) => key))
    removed += old.length
  }
  await vault.abortUploads({ prefix: keyOf.content(''), olderThan: new Date(now - longestRun) })
  return removed
}
