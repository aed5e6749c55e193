import { randomBytes, randomUUID } from 'node:crypto'
import { eicar, zipOf } from '@slipway/testing'
import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clamd, slowClamd } from './clamd.fixtures.ts'
import { platformAuthor } from './domain/author.ts'
import { settle } from './domain/settle.ts'
import { type FilesTest, keysIn, newTenant, removeObjects, runJob, startFiles, type Tenant } from './files.fixtures.ts'
import { fileScan } from './jobs/file-scan.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { files } from './schema.ts'
import { expectOrder, settledVersion, versionsOf } from './versions.fixtures.ts'

const day = 86_400_000
const minute = 60_000
const large = () => randomBytes(5000)
const virus = () =>
  zipOf([
    { name: 'e.com', content: eicar() },
    { name: 'padding', content: randomBytes(20_000) },
  ])

let clamd: Clamd
let test: FilesTest
let tenant: Tenant
let ada: ReturnType<typeof versionsOf>
beforeEach(async () => {
  tenant = newTenant()
  clamd = await slowClamd()
  test = await startFiles({
    scanner: clamd,
    environment: { FILES_SYNC_BYTES: '1000', FILES_MAX_BYTES: '100000', FILES_QUOTA_BYTES: '200000' },
  })
  ada = versionsOf(test, tenant)
})
afterEach(async () => {
  clamd.release()
  await test[Symbol.asyncDispose]()
  await clamd[Symbol.asyncDispose]()
})

const rowOf = async (id: string, revision: number) => {
  const { rows } = await test.system.pool.query<{ id: string }>('select id from files where head_id = $1 and revision = $2', [id, revision])
  return rows[0]?.id ?? ''
}
const scan = async (id: string) => runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: id })
const revisions = async (id: string) => (await ada.list(id)).map(({ revision, current, verdict }) => [revision, current, verdict])
const isContent = async (id: string, content: Buffer) => (await ada.call(`/api/v1/files/${id}/content`)).body.equals(content)

describe('content whose verdict comes later', () => {
  it('is answered with 202; the file goes on with what it has, and whoever writes next has to know of it', async () => {
    const before = await ada.upload('a.bin', 'small')
    clamd.hold()
    const bytes = large()
    const answer = await ada.put(before.id, bytes, { 'if-match': before.etag })
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/api/v1/files/${before.id}/versions/2`])
    expect(answer.body).toMatchObject({ id: before.id, revision: 1, sha256: before.sha256, verdict: 'clean' })
    expect(answer.body.etag).not.toBe(before.etag)
    expect(await ada.text(before.id)).toBe('small')
    expect(await revisions(before.id)).toEqual([
      [2, false, 'pending'],
      [1, true, 'clean'],
    ])
    expect((await ada.content(before.id, 2)).body.code).toBe('file.not-readable')
    expect((await ada.restore(before.id, 2)).body.code).toBe('file.not-readable')
    expect((await ada.put(before.id, 'late', { 'if-match': before.etag })).status).toBe(412)
    expect(await ada.used()).toEqual({ bytes: 5005, files: 1 })
    clamd.release()
    await settledVersion(ada, before.id, 2)
    const after = await ada.get(before.id)
    expect(after).toMatchObject({ revision: 2, verdict: 'clean', size: 5000, createdBy: 'user:ada' })
    expect(after.etag).not.toBe(answer.body.etag)
    expect(await isContent(before.id, bytes)).toBe(true)
    expect((await ada.content(before.id, 1)).body.toString()).toBe('small')
    await expectOrder(test, tenant)
  })

  it('that is malware is never read, and the file is as it was', async () => {
    const { id } = await ada.upload('a.bin', 'small')
    clamd.hold()
    const { status, body } = await ada.overwrite(id, virus())
    expect(status).toBe(202)
    clamd.release()
    expect((await settledVersion(ada, id, 2)).verdict).toBe('infected')
    expect(await ada.get(id)).toEqual(body)
    expect(await ada.text(id)).toBe('small')
    expect((await ada.content(id, 2)).body.code).toBe('file.not-readable')
    expect((await ada.purge(id, 2)).body.code).toBe('file.not-readable')
    const admin = { tenant, role: 'admin' as const, user: 'root' }
    const { items } = (await test.call(admin, '/api/v1/quarantine')).body
    expect(items).toMatchObject([{ name: 'a.bin', verdict: 'infected', uploadedBy: 'user:ada' }])
    expect(await ada.used()).toEqual({ bytes: 5, files: 1 })
    expect((await ada.overwrite(id, 'three')).body).toMatchObject({ revision: 3 })
    await expectOrder(test, tenant)
    // The evidence outlives the file, and goes by itself.
    expect((await ada.remove(id, '?permanent=true')).status).toBe(204)
    await expectOrder(test, tenant)
    expect((await test.call(admin, `/api/v1/quarantine/${items[0].id}`, { method: 'DELETE' })).status).toBe(204)
    await expectOrder(test, tenant)
    expect([await keysIn(test, 'files'), await keysIn(test, 'quarantine')]).toEqual([[], []])
  })

  it('released by two admins becomes the content after all, if nobody wrote later', async () => {
    const { id } = await ada.upload('a.bin', 'small')
    clamd.hold()
    const bytes = virus()
    await ada.overwrite(id, bytes)
    clamd.release()
    await settledVersion(ada, id, 2)
    const as = (user: string) => ({ tenant, role: 'admin' as const, user })
    const [refusal] = (await test.call(as('root'), '/api/v1/quarantine')).body.items
    const release = (user: string) =>
      test.call(as(user), `/api/v1/quarantine/${refusal.id}/release`, { method: 'POST', json: { reason: 'harmless' } })
    await release('root')
    const approved = await release('ada')
    expect([approved.status, approved.headers.get('location')]).toEqual([202, `/api/v1/files/${id}/versions/2`])
    expect(approved.body.file).toMatchObject({ id, revision: 1 })
    expect(await ada.used()).toEqual({ bytes: 5 + bytes.length, files: 1 })
    expect(await scan(refusal.id)).toEqual({ outcome: 'clean' })
    expect(await ada.get(id)).toMatchObject({ revision: 2, release: { reason: 'harmless' } })
    expect(await isContent(id, bytes)).toBe(true)
    await expectOrder(test, tenant)
  })

  it('takes its place by the order of writers, not by that of verdicts', async () => {
    const { id } = await ada.upload('a.bin', 'small')
    clamd.hold()
    const [second, third] = [large(), large()]
    expect((await ada.overwrite(id, second)).status).toBe(202)
    expect((await ada.overwrite(id, third)).status).toBe(202)
    await test.context.settler[Symbol.asyncDispose]()
    clamd.release()
    expect(await scan(await rowOf(id, 3))).toEqual({ outcome: 'clean' })
    expect(await isContent(id, third)).toBe(true)
    const etag = (await ada.get(id)).etag
    expect(await scan(await rowOf(id, 2))).toEqual({ outcome: 'clean' })
    expect(await isContent(id, third)).toBe(true)
    expect((await ada.get(id)).etag).toBe(etag)
    expect(await revisions(id)).toEqual([
      [3, true, 'clean'],
      [2, false, 'clean'],
      [1, false, 'clean'],
    ])
    expect((await ada.content(id, 2)).body.equals(second)).toBe(true)
    await expectOrder(test, tenant)
  })

  it('comes after what was restored or written at once in the meantime: it joins the history', async () => {
    const { id } = await ada.upload('a.bin', 'one')
    await ada.overwrite(id, 'two')
    clamd.hold()
    expect((await ada.overwrite(id, large())).status).toBe(202)
    expect((await ada.restore(id, 1)).body).toMatchObject({ revision: 4, restoredFrom: 1 })
    clamd.release()
    await settledVersion(ada, id, 3)
    expect(await ada.text(id)).toBe('one')
    expect(await revisions(id)).toEqual([
      [4, true, 'clean'],
      [3, false, 'clean'],
      [2, false, 'clean'],
    ])
    await expectOrder(test, tenant)
  })

  it.each(['the version', 'its file'])('leaves nothing when %s is purged before the verdict', async (what) => {
    const { id } = await ada.upload('a.bin', 'one')
    clamd.hold()
    await ada.overwrite(id, large())
    const purged = what === 'its file' ? ada.remove(id, '?permanent=true') : ada.purge(id, 2)
    expect((await purged).status).toBe(204)
    await removeObjects(test)
    clamd.release()
    await test.context.settler[Symbol.asyncDispose]()
    test.advance(5 * minute)
    await expectOrder(test, tenant)
    expect(await keysIn(test, 'quarantine')).toEqual([])
    expect(await ada.used()).toEqual(what === 'its file' ? { bytes: 0, files: 0 } : { bytes: 3, files: 1 })
  })

  it('becomes the content also of a file in the trash, which was there later', async () => {
    const { id } = await ada.upload('a.bin', 'one')
    clamd.hold()
    const bytes = large()
    await ada.overwrite(id, bytes)
    await ada.remove(id)
    clamd.release()
    await settledVersion(ada, id, 2)
    await ada.call(`/api/v1/files/${id}/restore`, { method: 'POST' })
    expect(await isContent(id, bytes)).toBe(true)
    await expectOrder(test, tenant)
  })

  it('is not pruned while it is scanned, and prunes when it has arrived', async () => {
    const admin = { tenant, role: 'admin' as const, user: 'root' }
    const rules = { versions: { kept: 1, days: null }, trash: { days: null } }
    const put = { method: 'PUT', json: rules, headers: { 'if-match': '"0"' } }
    expect((await test.call(admin, '/api/v1/files/retention', put)).status).toBe(200)
    const { id } = await ada.upload('a.bin', 'one')
    clamd.hold()
    await ada.overwrite(id, large())
    for (let n = 3; n <= 5; n++) expect((await ada.overwrite(id, large())).status).toBe(202)
    expect((await ada.list(id)).map(({ revision }) => revision)).toEqual([5, 4, 3, 2, 1])
    await test.context.settler[Symbol.asyncDispose]()
    clamd.release()
    for (const revision of [2, 3, 4, 5]) await scan(await rowOf(id, revision))
    expect(await revisions(id)).toEqual([
      [5, true, 'clean'],
      [4, false, 'clean'],
    ])
    await expectOrder(test, tenant)
    test.advance(2 * day)
    await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
    await expectOrder(test, tenant)
  })

  it('stays when somebody settles it late, after its row went with what it had been given in exchange', async () => {
    const admin = { tenant, role: 'admin' as const, user: 'root' }
    const rules = { versions: { kept: 0, days: null }, trash: { days: null } }
    await test.call(admin, '/api/v1/files/retention', { method: 'PUT', json: rules, headers: { 'if-match': '"0"' } })
    const { id } = await ada.upload('a.bin', 'one')
    clamd.hold()
    const bytes = large()
    await ada.overwrite(id, bytes)
    await test.context.settler[Symbol.asyncDispose]()
    clamd.release()
    const [row] = await test.context.database.tenantTransaction(tenant.id, (tx) => tx.select().from(files).where(eq(files.headId, id)))
    const accepted = await test.context.gate.resume(row!.quarantine!)
    expect(await scan(row!.id)).toEqual({ outcome: 'clean' })
    expect(await revisions(id)).toEqual([[2, true, 'clean']])
    const late = { author: platformAuthor(tenant.id, 'late'), row: row!, leaseToken: randomUUID() }
    expect(await settle(test.context, late, accepted)).toBeNull()
    expect(await isContent(id, bytes)).toBe(true)
    await expectOrder(test, tenant)
  })

  it('counts before its verdict, and is given back when it is refused', async () => {
    const { id } = await ada.upload('a.bin', 'one')
    clamd.hold()
    expect((await ada.overwrite(id, randomBytes(90_000))).status).toBe(202)
    expect((await ada.overwrite(id, randomBytes(90_000))).status).toBe(202)
    expect((await ada.overwrite(id, randomBytes(90_000))).body.code).toBe('quota.exceeded')
    clamd.release()
    for (const revision of [2, 3]) await settledVersion(ada, id, revision)
    await expectOrder(test, tenant)
  })
})

describe('many at a time', () => {
  it('with the same ETag: one writes, the others learn of it', async () => {
    const { id, etag } = await ada.upload('a.txt', 'first')
    // Fifty at a time may be more than the scanner takes: then it is asked again, as clients do.
    const write = async (n: number) => {
      for (;;) {
        const answer = await ada.put(id, `writer ${n}`, { 'if-match': etag })
        if (answer.status !== 503) return answer
      }
    }
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => write(n)))
    const statuses = answers.map(({ status }) => status)
    expect([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 412).length]).toEqual([1, 49])
    expect(await ada.list(id)).toHaveLength(2)
    const winner = answers.find(({ status }) => status === 200)
    expect(await ada.text(id)).toBe(`writer ${statuses.indexOf(200)}`)
    expect((await ada.get(id)).etag).toBe(winner?.body.etag)
    expect(await keysIn(test, 'files')).toHaveLength(2)
    expect(await keysIn(test, 'quarantine')).toEqual([])
    await expectOrder(test, tenant)
  })

  it('with the ETag that is read anew each time: every one that was answered with 200 is a version', async () => {
    const { id } = await ada.upload('a.txt', 'first')
    const write = async (n: number) => {
      for (;;) if ((await ada.overwrite(id, `writer ${n}`)).status === 200) return
    }
    await Promise.all(Array.from({ length: 12 }, (_, n) => write(n)))
    const list = await ada.list(id)
    expect(list.map(({ revision }) => revision)).toEqual(Array.from({ length: 13 }, (_, n) => 13 - n))
    const texts = await Promise.all(list.map(async ({ revision }) => String((await ada.content(id, revision)).body)))
    expect(texts.toSorted()).toEqual(['first', ...Array.from({ length: 12 }, (_, n) => `writer ${n}`)].toSorted())
    await expectOrder(test, tenant)
  })

  it.each([
    ['the trash', (id: string) => ada.remove(id), [200, 409, 412]],
    ['a purge', (id: string) => ada.remove(id, '?permanent=true'), [200, 404]],
    ['a restored version', (id: string) => ada.restore(id, 1), [200, 412]],
    ['a purged version', (id: string) => ada.purge(id, 1), [200]],
    ['another name', (id: string) => ada.call(`/api/v1/files/${id}`, { method: 'PATCH', json: { name: id } }), [200, 412]],
  ])('and %s: both come through whole, or one learns of the other', async (_name, other, allowed) => {
    for (let round = 0; round < 6; round++) {
      const { id } = await ada.upload(`${round}`, 'one')
      const { etag } = (await ada.overwrite(id, 'two')).body
      const [put, changed] = await Promise.all([ada.put(id, 'three', { 'if-match': etag }), other(id)])
      expect(allowed).toContain(put.status)
      expect([200, 204]).toContain(changed.status)
      const { status, body } = await ada.call(`/api/v1/files/${id}`)
      if (status === 200) expect(body.size).toBe(put.status === 200 && body.revision === 3 ? 5 : 3)
    }
    await expectOrder(test, tenant)
  })
})
