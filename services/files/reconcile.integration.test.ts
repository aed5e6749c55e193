import { randomBytes } from 'node:crypto'
import { type Discrepancy, type Reconciliation, reconcile } from '@slipway/storage'
import { eicar } from '@slipway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clamd, slowClamd } from './clamd.fixtures.ts'
import { bucketRows } from './domain/bucket-rows.ts'
import { type FilesTest, newTenant, removeObjects, runJob, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { fileScan } from './jobs/file-scan.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'

const syncBytes = 1000
let clamd: Clamd
let test: FilesTest
let tenant: Tenant
beforeEach(async () => {
  tenant = newTenant()
  clamd = await slowClamd()
  test = await startFiles({ scanner: clamd, environment: { FILES_SYNC_BYTES: String(syncBytes) } })
})
afterEach(async () => {
  clamd.release()
  await test[Symbol.asyncDispose]()
  await clamd[Symbol.asyncDispose]()
})

const upload = (name: string, content: Buffer | string) => uploader(test, { tenant })(name, content)
const later = () => new Date(Date.now() + 86_400_000)
const keyOf = ({ body }: { body: { id: string } }) => `${tenant.id}/${body.id}`

/** What is found in both buckets, and how much was compared. */
async function compare(repair = false) {
  const told: Discrepancy[] = []
  const reports: Reconciliation[] = []
  for (const rows of bucketRows(test.system))
    reports.push(await reconcile(test.storage, rows, { olderThan: later(), repair, onDiscrepancy: (found) => told.push(found) }))
  const [files, quarantine] = reports
  return { files, quarantine, told: told.map(({ kind, bucket, key }) => `${kind} ${bucket} ${key}`) }
}

describe('the rows of files and what is stored', () => {
  it('fit each other: what is readable, what is pending, what was refused, what is in the trash', async () => {
    await upload('a.txt', 'clean')
    const trashed = await upload('b.txt', 'trashed')
    await test.call({ tenant }, `/api/v1/files/${trashed.body.id}`, { method: 'DELETE' })
    expect((await upload('c.txt', eicar())).status).toBe(422)
    clamd.hold()
    expect((await upload('d.bin', randomBytes(5000))).status).toBe(202)
    expect(await compare()).toMatchObject({ files: { objects: 2, rows: 2 }, quarantine: { objects: 2, rows: 2 }, told: [] })
  })

  it('fit after a purge, and its removals may still be owed', async () => {
    const { body } = await upload('a.txt', 'clean')
    await test.call({ tenant }, `/api/v1/files/${body.id}?permanent=true`, { method: 'DELETE' })
    expect((await compare()).told).toEqual([`unknown files ${tenant.id}/${body.id}`])
    await removeObjects(test)
    expect((await compare()).told).toEqual([])
  })

  it('do not fit where an object is gone, has another size, or has no row', async () => {
    const [gone, kept] = [await upload('a.txt', 'one'), await upload('b.txt', 'two')]
    const [, wrong] = [await upload('c.txt', 'three'), await upload('d.txt', 'four')]
    await test.storage.remove({ bucket: 'files', key: keyOf(gone) })
    await test.system.pool.query('update files set size = 99 where id = $1', [wrong.body.id])
    await test.system.pool.query('delete from files where id = $1', [kept.body.id])
    const { told } = await compare()
    expect(told.toSorted()).toEqual([`changed files ${keyOf(wrong)}`, `lost files ${keyOf(gone)}`, `unknown files ${keyOf(kept)}`])
  })

  it('do not fit where evidence or a pending upload is gone from quarantine', async () => {
    await upload('a.txt', eicar())
    clamd.hold()
    await upload('b.bin', randomBytes(5000))
    const { rows } = await test.system.pool.query<{ key: string }>(
      `select object_key as key from quarantine union all select quarantine ->> 'key' from files where verdict = 'pending'`,
    )
    for (const { key } of rows) await test.storage.remove({ bucket: 'quarantine', key })
    expect((await compare()).told.toSorted()).toEqual(rows.map(({ key }) => `lost quarantine ${key}`).toSorted())
  })

  it('fit where a pending upload has been promoted and its row was not told, as after a crash', async () => {
    const answer = await upload('a.txt', 'clean')
    const ref = {
      bucket: 'quarantine',
      key: `${tenant.id}/files/${keyOf(answer)}/upload`,
      size: 5,
      etag: 'e',
      target: { bucket: 'files', key: keyOf(answer) },
    }
    await test.system.pool.query(
      `update files set verdict = 'pending', lease_until = now(), lease_token = gen_random_uuid(), quarantine = $1`,
      [ref],
    )
    expect((await compare()).told).toEqual([])
    await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: answer.body.id })
    expect((await test.call({ tenant }, `/api/v1/files/${answer.body.id}/content`)).status).toBe(200)
  })

  it('leave alone what other services have in quarantine', () => {
    const [, quarantined] = bucketRows(test.system)
    expect(quarantined.isOurs?.(`${tenant.id}/dish-images/k/u`)).toBe(false)
    expect(quarantined.isOurs?.(`${tenant.id}/files/k/u`)).toBe(true)
  })

  it('are asked about by the system role, of all tenants at once', async () => {
    const other = newTenant()
    await upload('a.txt', 'one')
    await uploader(test, { tenant: other })('b.txt', 'two')
    expect((await compare()).files).toMatchObject({ objects: 2, rows: 2 })
  })
})

describe('the daily sweep', () => {
  it('removes what no row knows and names what is lost', async () => {
    const [gone, orphan] = [await upload('a.txt', 'one'), await upload('b.txt', 'two')]
    await test.storage.remove({ bucket: 'files', key: keyOf(gone) })
    await test.system.pool.query('delete from files where id = $1', [orphan.body.id])
    test.advance(2 * 86_400_000)
    const result = await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
    expect(result).toMatchObject({ orphans: 1, lost: 1, lostKeys: [keyOf(gone)] })
    expect(await test.storage.head({ bucket: 'files', key: keyOf(orphan) })).toBeUndefined()
  })
})

it('many rows are read in batches, in the order of their keys', async () => {
  const count = 20_000
  await test.system.pool.query(
    `insert into files (id, tenant_id, name, name_key, size, content_type, sha256, verdict, scan_at, created_by, created_at, updated_at)
     select gen_random_uuid(), case when n % 2 = 0 then $1::uuid else gen_random_uuid() end, n::text, n::text, n, 'text/plain', repeat('0', 64), 'clean', now(), 'x', now(), now()
     from generate_series(1, $2::int) as n`,
    [tenant.id, count],
  )
  const [readable] = bucketRows(test.system)
  let last = ''
  let seen = 0
  for await (const batch of readable.expected()) {
    expect(batch.length).toBeLessThanOrEqual(1000)
    for (const { key } of batch) {
      if (key <= last) throw new Error(`${key} after ${last}`)
      last = key
      seen++
    }
  }
  expect(seen).toBe(count)
})
