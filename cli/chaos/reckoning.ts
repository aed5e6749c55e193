import { withClient } from '@slipway/db'
import { createStorage } from '@slipway/storage'
import { reconcileAll } from '../doctor/reconcile.ts'
import { pause, poll } from '../supervisor/poll.ts'
import { jsonOf } from './call.ts'
import { versionsOf } from './changes.ts'
import { sha256Of } from './content.ts'
import { type Client, insist } from './insist.ts'
import type { Entry } from './ledger.ts'
import { type FileBody, read, settled } from './operations.ts'
import { contentOf, readableBucket } from './probe.ts'
import { manifests, type World } from './world.ts'

const readAtOnce = 8

/** Waits until nothing is pending any more, or the time of the client is over. */
export async function settleAll(client: Client): Promise<void> {
  const { ledger, signal } = client
  while (ledger.inState('pending').length > 0 && !signal.aborted) {
    for (const entry of ledger.inState('pending')) await settled(client, entry)
    await pause(1000, signal).catch(() => undefined)
  }
  for (const { name } of ledger.inState('pending')) ledger.violate('not-settled', `${name} is still pending`)
}

const openRescans = `
  select count(*)::int as count from files.jobs
  where queue = 'file-rescan' and state in ('pending', 'waiting', 'active', 'retrying')`

/** Waits until nothing is to be looked at again, for so many seconds. */
export async function settleRescans(
  { ledger, signal }: Pick<Client, 'ledger' | 'signal'>,
  { target }: World,
  seconds: number,
): Promise<void> {
  await withClient({ url: target.database.adminUrl }, async (admin) => {
    const count = async () => (await admin.query<{ count: number }>(openRescans)).rows[0]?.count ?? 0
    const isDone = async () => ((await count()) === 0 ? true : null)
    if (await poll(isDone, { within: seconds * 1000, every: 1000, signal })) return
    ledger.violate('not-settled', `${await count()} files are still to be looked at again`)
  })
}

export interface Reckoning {
  readonly filesListed: number
  /** At the store, those of earlier versions and of the trash among them. */
  readonly contentsRead: number
  /** Earlier contents of what was overwritten, each where it has to be. */
  readonly versionsKept: number
  /** What the first comparison found and removed, bucket by bucket. */
  readonly swept: readonly string[]
  readonly afterwards: readonly string[]
}

/**
 * Counts everything, once nothing moves any more.
 * @param afterSweep what is broken on purpose between the comparison that repairs and the one that only looks
 */
export async function reckon(client: Client, world: World, afterSweep: () => Promise<void> = async () => undefined): Promise<Reckoning> {
  const live = await list(client, 'trashed=false')
  const trashed = await list(client, 'trashed=true')
  compare(client, live, trashed)
  const rows = await rowsOf(world)
  doubt(client, rows.doubtful)
  const contentsRead = await readAll(client, world, rows.readable)
  const versionsKept = await compareVersions(client)
  const swept = await reconciled(world, { repair: true })
  await afterSweep()
  const afterwards = await reconciled(world, { repair: false })
  for (const { level, name, what } of [...swept.filter(({ fault }) => fault === 'content.lost'), ...afterwards])
    if (level !== 'ok') client.ledger.violate('left-over', `${name}: ${what}`)
  const told = (findings: typeof swept) => findings.map(({ name, what }) => `${name}: ${what}`)
  return { filesListed: live.length + trashed.length, contentsRead, versionsKept, swept: told(swept), afterwards: told(afterwards) }
}

/** Nobody writes any more: what is there now is old enough. */
function reconciled({ target }: World, { repair }: { repair: boolean }) {
  return reconcileAll(target, manifests, { olderThan: new Date(Date.now() + 60_000), repair })
}

async function list(client: Client, which: string): Promise<FileBody[]> {
  const files: FileBody[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path = `/api/v1/files?limit=100&${which}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const answer = await insist(client, { method: 'GET', path })
    if (answer?.status !== 200)
      throw new Error(`the list of files cannot be had: ${answer?.status} ${answer?.body.toString('utf8').slice(0, 300)}`)
    const { items = [], nextCursor = null } = jsonOf<{ items: FileBody[]; nextCursor: string | null }>(answer)
    files.push(...items)
    cursor = nextCursor
  }
  return files
}

/** Names are ids, to which `(2)` is added when there is a second of it. */
const idLength = 36

/** Every upload with the files of its name. */
export function compare({ ledger }: Pick<Client, 'ledger'>, live: readonly FileBody[], trashed: readonly FileBody[]): void {
  const byName = (files: readonly FileBody[]) => Map.groupBy(files, ({ name }) => name.slice(0, idLength))
  const found = { live: byName(live), trashed: byName(trashed) }
  for (const entry of ledger.entries) {
    const [there, thrown] = [found.live.get(entry.name) ?? [], found.trashed.get(entry.name) ?? []]
    const count = there.length + thrown.length
    const what = `${entry.name} (${entry.state}): ${there.length} files, ${thrown.length} in the trash`
    if (count > 1) ledger.violate('doubled', what)
    if (count !== expectedOf(entry) && !isUnderWay(entry)) ledger.violate(count === 0 ? 'lost' : 'unexpected-answer', what)
    for (const { sha256, size } of [...there, ...thrown])
      if (sha256 !== entry.sha256 || size !== entry.size) ledger.violate('wrong-bytes', what)
  }
}

/**
 * Of what rescans could not find clean again, clamd may have failed at some while it was broken; but nothing was lost, nothing changed, and
 * nothing that clients were told is clean was taken from its readers.
 */
export function doubt({ ledger }: Pick<Client, 'ledger'>, doubtful: readonly Doubtful[]): void {
  for (const { name, reason } of doubtful) {
    const what = `${name} by a rescan: ${reason}`
    if (reason === 'lost' || reason === 'withdrawn') ledger.violate('lost', what)
    if (reason === 'altered') ledger.violate('wrong-bytes', what)
  }
}

/** It has no answer that tells what became of it. */
function isUnderWay({ state }: Entry): boolean {
  return state === 'sent' || state === 'leaving' || state === 'changing'
}

function expectedOf({ state }: Entry): number {
  return state === 'clean' || state === 'trashed' ? 1 : 0
}

/** What was overwritten and is there or in the trash, with all that it had been. @returns how many earlier contents are there */
export async function compareVersions(client: Client): Promise<number> {
  let count = 0
  for (const entry of client.ledger.inState('clean', 'trashed').filter(({ earlier }) => earlier.length > 0)) {
    if (entry.state === 'clean') await read(client, entry)
    const versions = await versionsOf(client, entry)
    const expected = [entry.sha256, ...entry.earlier.toReversed()]
    if (versions?.join() === expected.join()) count += entry.earlier.length
    else if (versions) client.ledger.violate('lost', `${entry.name}: ${versions.length} versions of ${expected.length}, or others`)
  }
  return count
}

/** What the rows say that can be read, in the trash and of earlier versions too, at the store itself. */
async function readAll({ ledger }: Client, { target }: World, rows: readonly Readable[]): Promise<number> {
  await using storage = createStorage(target.storage)
  const waiting = [...rows]
  const lane = async () => {
    for (let row = waiting.pop(); row; row = waiting.pop()) {
      const bytes = await contentOf(storage, row.key)
      if (bytes === null) ledger.violate('lost', `${row.name}: there is no object ${row.key} in ${readableBucket}`)
      else if (sha256Of(bytes) !== row.sha256) ledger.violate('wrong-bytes', `${row.name} at the store: ${row.key}`)
    }
  }
  await Promise.all(Array.from({ length: readAtOnce }, lane))
  return rows.length
}

/** Past the API, which shows neither the trash nor earlier versions among those in doubt. */
function rowsOf({ target }: World): Promise<{ readable: Readable[]; doubtful: Doubtful[] }> {
  return withClient({ url: target.database.adminUrl }, async (admin) => ({
    readable: (await admin.query<Readable>(readable)).rows,
    doubtful: (await admin.query<Doubtful>(doubtful)).rows,
  }))
}

interface Readable {
  readonly key: string
  readonly name: string
  readonly sha256: string
}

const readable = `select tenant_id || '/' || coalesce(content_id, id) as key, name, sha256 from files.files where verdict = 'clean'`

interface Doubtful {
  readonly name: string
  readonly reason: string
}

const doubtful = `
  select name, rescan_reason as reason from files.files where rescan_reason is not null
  union all select name, 'withdrawn' from files.quarantine where found_by = 'rescan'`
