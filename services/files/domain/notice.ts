import { newId, type Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import { and, asc, eq, inArray, isNotNull, isNull, lt, type SQL } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { infectionNotice } from '../jobs/infection-notice.ts'
import { quarantine, usage } from '../schema.ts'
import { lockTree } from './quota.ts'

const hourMilliseconds = 3_600_000
/** Nobody is told more often, and what is found in between stands in the next one. */
const pauseMilliseconds = hourMilliseconds
/** Files of one notice. */
const noticeFiles = 5000
/** People of one request to identity. */
const peoplePerRequest = 500
const namedFiles = 3
const longestFact = 200

const unnoticed = and(eq(quarantine.foundBy, 'rescan'), isNull(quarantine.noticedAt))

interface Told {
  name: string
  owner: string
  verdict: 'infected' | 'unscannable'
}

/**
 * Tells admins and owners of a tenant what rescans have found. A batch gets its id before anybody is told: a second run after a crash asks
 * for the same notice, and identity sends it once.
 */
export async function sendNotice(context: FilesContext, { tenantId }: { tenantId: string }): Promise<{ files: number }> {
  const { database, rescans, now } = context
  const batch = await database.tenantTransaction(tenantId, (tx) => claimBatch(tx, { tenantId, now: now() }))
  if (!batch) return { files: 0 }
  const { noticeId, files } = batch
  const people = Array.from(
    Map.groupBy(files, (file) => file.owner),
    ([principal, own]) => ({ principal, facts: factsOf(own) }),
  )
  for (let part = 0; part * peoplePerRequest < Math.max(1, people.length); part++) {
    await rescans.notices.send({
      key: `files-infected/${noticeId}/${part}`,
      tenantId,
      kind: 'files-infected',
      roles: part === 0 ? ['owner', 'admin'] : [],
      facts: factsOf(files),
      people: people.slice(part * peoplePerRequest, (part + 1) * peoplePerRequest),
    })
  }
  await database.tenantTransaction(tenantId, (tx) =>
    tx
      .update(quarantine)
      .set({ noticedAt: new Date(now()) })
      .where(and(unnoticed, eq(quarantine.noticeId, noticeId))),
  )
  return { files: files.length }
}

interface Batch {
  noticeId: string
  files: Told[]
}

/** Null when there is nothing to tell, or not yet: then the job is asked for again. */
async function claimBatch(tx: Transaction, { tenantId, now }: { tenantId: string; now: number }): Promise<Batch | null> {
  await lockTree(tx, tenantId)
  const begun = await readBatch(tx, isNotNull(quarantine.noticeId))
  if (begun) return begun
  const [known] = await tx.select({ at: usage.noticedAt }).from(usage).where(eq(usage.tenantId, tenantId))
  const ids = await unclaimed(tx)
  if (ids.length === 0) return null
  const pause = (known?.at?.getTime() ?? 0) + pauseMilliseconds - now
  if (pause > 0 || ids.length === noticeFiles)
    await enqueue(tx, infectionNotice, { version: 1, tenantId }, { delay: pause > 0 ? pause : pauseMilliseconds })
  if (pause > 0) return null
  const noticeId = newId()
  await tx.update(quarantine).set({ noticeId }).where(inArray(quarantine.id, ids))
  await tx
    .update(usage)
    .set({ noticedAt: new Date(now) })
    .where(eq(usage.tenantId, tenantId))
  return await readBatch(tx, eq(quarantine.noticeId, noticeId))
}

async function unclaimed(tx: Transaction): Promise<string[]> {
  const rows = await tx
    .select({ id: quarantine.id })
    .from(quarantine)
    .where(and(unnoticed, isNull(quarantine.noticeId)))
    .orderBy(asc(quarantine.createdAt))
    .limit(noticeFiles)
  return rows.map((row) => row.id)
}

async function readBatch(tx: Transaction, which: SQL): Promise<Batch | null> {
  const rows = await tx
    .select({ name: quarantine.name, owner: quarantine.uploadedBy, verdict: quarantine.verdict, noticeId: quarantine.noticeId })
    .from(quarantine)
    .where(and(unnoticed, which))
    .orderBy(asc(quarantine.noticeId), asc(quarantine.createdAt), asc(quarantine.id))
    .limit(noticeFiles)
  const noticeId = rows[0]?.noticeId
  if (!noticeId) return null
  return { noticeId, files: rows.filter((row) => row.noticeId === noticeId) }
}

function factsOf(files: readonly Told[]): Record<string, string> {
  const names = files.slice(0, namedFiles).map((file) => file.name)
  const more = files.length > names.length ? ', …' : ''
  const infected = files.filter((file) => file.verdict === 'infected').length
  return {
    count: String(files.length),
    infected: String(infected),
    names: `${names.join(', ').slice(0, longestFact - more.length)}${more}`,
  }
}

/** Asks again where somebody should have been told long ago: the tries of the job are used up. */
export async function reviveNotices({ system, now }: FilesContext): Promise<number> {
  const late = and(unnoticed, lt(quarantine.createdAt, new Date(now() - 2 * hourMilliseconds)))
  return await system.transaction(async (tx) => {
    const found = await tx.selectDistinct({ tenantId: quarantine.tenantId }).from(quarantine).where(late).limit(1000)
    for (const { tenantId } of found) await enqueue(tx, infectionNotice, { version: 1, tenantId })
    return found.length
  })
}
