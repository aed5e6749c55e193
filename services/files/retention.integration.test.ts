import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FilesTest, keysIn, newTenant, runJob, startFiles, type Tenant } from './files.fixtures.ts'
import { filePurge } from './jobs/file-purge.ts'
import { expectOrder, versionsOf } from './versions.fixtures.ts'

const day = 86_400_000
const path = '/api/v1/files/retention'
const environment = {
  FILES_VERSIONS_KEPT: '3',
  FILES_VERSION_DAYS: '10',
  FILES_TRASH_DAYS: '5',
  FILES_VERSIONS_MOST: '6',
  FILES_RETENTION_DAYS_MOST: '100',
  FILES_QUOTA_BYTES: '1000',
}

let test: FilesTest
let tenant: Tenant
let ada: ReturnType<typeof versionsOf>
beforeAll(async () => {
  test = await startFiles({ environment })
})
afterAll(() => test?.[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
  ada = versionsOf(test, tenant)
})

interface Rules {
  kept?: number | null
  days?: number | null
  trash?: number | null
}
const body = ({ kept = null, days = null, trash = null }: Rules) => ({ versions: { kept, days }, trash: { days: trash } })
const admin = () => ({ tenant, role: 'admin' as const, user: 'root' })
const get = () => test.call(admin(), path)
const set = async (rules: Rules, etag?: string) =>
  test.call(admin(), path, { method: 'PUT', json: body(rules), headers: { 'if-match': etag ?? (await get()).body.etag } })
const sweep = () => runJob(test, filePurge, { version: 1 })
const revisions = async (id: string) => (await ada.list(id)).map(({ revision }) => revision)
const write = async (count: number, name = 'a') => {
  const { id } = await ada.upload(name, 'content 1')
  for (let n = 2; n <= count; n++) expect((await ada.overwrite(id, `content ${n}`)).status).toBe(200)
  return id as string
}

describe('the rules of a tenant', () => {
  it('are those of the installation until an admin says otherwise', async () => {
    expect((await get()).body).toEqual({
      own: body({}),
      effective: body({ kept: 3, days: 10, trash: 5 }),
      most: body({ kept: 6, days: 100, trash: 100 }),
      etag: '"0"',
      updatedBy: null,
      updatedAt: null,
    })
    const changed = await set({ kept: 0, trash: 50 })
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"1"'])
    expect(changed.body).toMatchObject({
      own: body({ kept: 0, trash: 50 }),
      effective: body({ kept: 0, days: 10, trash: 50 }),
      updatedBy: 'user:root',
    })
    expect((await get()).body).toEqual(changed.body)
    expect((await set({})).body.effective).toEqual(body({ kept: 3, days: 10, trash: 5 }))
    const trail = (await test.call(admin(), '/api/v1/files/audit?action=retention.changed')).body.items
    expect(trail).toMatchObject([
      { before: { versionsKept: 0, trashDays: 50 }, after: { versionsKept: null, versionDays: null, trashDays: null } },
      { subject: { type: 'retention', id: tenant.id }, after: { versionsKept: 0, versionDays: null, trashDays: 50 } },
    ])
  })

  it('are changed by admins only, who have seen what they change', async () => {
    for (const role of ['viewer', 'member'] as const) {
      expect((await test.call({ tenant, role }, path)).status).toBe(403)
      expect((await test.call({ tenant, role }, path, { method: 'PUT', json: body({}), headers: { 'if-match': '*' } })).status).toBe(403)
    }
    expect((await test.call(admin(), path, { method: 'PUT', json: body({}) })).status).toBe(428)
    const both = await Promise.all([set({ kept: 1 }, '"0"'), set({ kept: 2 }, '"0"')])
    expect(both.map(({ status }) => String(status)).toSorted()).toEqual(['200', '412'])
    // Another tenant has its own.
    expect((await test.call({ tenant: newTenant(), role: 'admin' }, path)).body.etag).toBe('"0"')
  })

  it.each<[Rules, string]>([
    [{ kept: 7 }, '/body/versions/kept'],
    [{ days: 101 }, '/body/versions/days'],
    [{ trash: 101 }, '/body/trash/days'],
    [{ kept: -1 }, '/body/versions/kept'],
    [{ days: 0 }, '/body/versions/days'],
    [{ trash: 0.5 }, '/body/trash/days'],
  ])('of %o are refused', async (rules, pointer) => {
    const answer = await set(rules)
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, pointer])
    expect((await get()).body.etag).toBe('"0"')
  })
})

describe('the number', () => {
  it('of earlier versions is what is kept, the oldest go first, and the quota has their room', async () => {
    const id = await write(6)
    expect(await revisions(id)).toEqual([6, 5, 4, 3])
    expect(await ada.used()).toEqual({ bytes: 36, files: 1 })
    expect((await ada.content(id, 3)).body.toString()).toBe('content 3')
    const trail = (await test.call(admin(), '/api/v1/files/audit?action=file.version-purged')).body.items
    expect(trail).toMatchObject([{ subject: { id }, before: { revision: 2 }, after: { reason: 'number' } }, { before: { revision: 1 } }])
    await expectOrder(test, tenant)
    expect((await keysIn(test, 'files')).filter((key) => key.startsWith(tenant.id))).toHaveLength(4)
  })

  it('may be more, or none, for a tenant', async () => {
    await set({ kept: 5 })
    const id = await write(8)
    expect(await revisions(id)).toEqual([8, 7, 6, 5, 4, 3])
    await set({ kept: 0 })
    expect(await revisions(id)).toHaveLength(6)
    await ada.overwrite(id, 'content 9')
    expect(await revisions(id)).toEqual([9])
    expect(await ada.used()).toEqual({ bytes: 9, files: 1 })
    await expectOrder(test, tenant)
  })

  it('counts restored content like written content', async () => {
    const id = await write(4)
    for (let n = 0; n < 4; n++) expect((await ada.restore(id, (await revisions(id)).at(-1) ?? 0)).status).toBe(200)
    expect(await revisions(id)).toEqual([8, 7, 6, 5])
    expect(await ada.text(id)).toBe('content 4')
    await expectOrder(test, tenant)
  })

  it('that leaves no version lets a file be overwritten that fills the quota', async () => {
    await set({ kept: 0 })
    const { id } = await ada.upload('a', 'x'.repeat(600))
    expect((await ada.overwrite(id, 'y'.repeat(1000))).status).toBe(200)
    expect((await ada.overwrite(id, 'z'.repeat(1000))).status).toBe(200)
    expect((await ada.overwrite(id, 'z'.repeat(1001))).body.code).toBe('quota.exceeded')
    expect(await ada.text(id)).toBe('z'.repeat(1000))
    expect(await ada.used()).toEqual({ bytes: 1000, files: 1 })
    await expectOrder(test, tenant)
  })
})

describe('the days', () => {
  it('of versions are counted from when something took their place', async () => {
    const id = await write(2)
    test.advance(6 * day)
    await ada.overwrite(id, 'content 3')
    test.advance(5 * day)
    await sweep()
    expect(await revisions(id)).toEqual([3, 2])
    test.advance(5 * day)
    await sweep()
    await sweep()
    expect(await revisions(id)).toEqual([3])
    expect(await ada.text(id)).toBe('content 3')
    expect(await ada.used()).toEqual({ bytes: 9, files: 1 })
    const trail = (await test.call(admin(), '/api/v1/files/audit?action=file.version-purged')).body.items
    expect(trail).toMatchObject([{ actor: { kind: 'system' }, after: { reason: 'days' } }, {}])
    await expectOrder(test, tenant)
  })

  it('are those of each tenant, of versions and of the trash', async () => {
    const other = versionsOf(test, newTenant())
    await set({ days: 2, trash: 20 })
    const [id, trashed] = [await write(2), await write(2, 'b')]
    const { id: foreign } = await other.upload('a', 'one')
    await other.overwrite(foreign, 'two')
    const { id: gone } = await other.upload('b', 'one')
    await other.remove(gone)
    await ada.remove(trashed)
    test.advance(3 * day)
    await sweep()
    expect([await revisions(id), (await other.list(foreign)).length]).toEqual([[2], 2])
    expect([(await ada.call(`/api/v1/files/${trashed}`)).status, (await other.call(`/api/v1/files/${gone}`)).status]).toEqual([200, 200])
    test.advance(3 * day)
    await sweep()
    expect([(await ada.call(`/api/v1/files/${trashed}`)).status, (await other.call(`/api/v1/files/${gone}`)).status]).toEqual([200, 404])
    test.advance(15 * day)
    await sweep()
    expect([(await ada.call(`/api/v1/files/${trashed}`)).status, (await other.list(foreign)).length]).toEqual([404, 1])
    expect(await ada.used()).toEqual({ bytes: 9, files: 1 })
    await expectOrder(test, tenant)
  })

  it('purge many versions in batches', async () => {
    const id = await write(1)
    await test.system.pool.query(
      `insert into files (id, tenant_id, head_id, revision, name, name_key, size, content_type, sha256, verdict, scan_at, superseded_at, created_by, created_at, updated_at)
       select gen_random_uuid(), $1, $2, n + 1, 'a', 'a', 1, 'text/plain', repeat('0', 64), 'clean', now(), now(), 'x', now(), now() from generate_series(1, 250) as n`,
      [tenant.id, id],
    )
    await test.system.pool.query('update usage set bytes = bytes + 250 where tenant_id = $1', [tenant.id])
    test.advance(11 * day)
    await sweep()
    expect(await revisions(id)).toEqual([1])
    await expectOrder(test, tenant)
  })
})

it('a maximum that was lowered holds for what tenants had decided before', async () => {
  await set({ kept: 6, days: 100, trash: 100 })
  await using strict = await startFiles({ environment: { ...environment, FILES_VERSIONS_MOST: '4', FILES_RETENTION_DAYS_MOST: '20' } })
  await strict.system.pool.query(
    `insert into retention (tenant_id, versions_kept, version_days, trash_days, updated_by, updated_at) values ($1, 6, 100, 100, 'x', now())`,
    [tenant.id],
  )
  expect((await strict.call(admin(), path)).body.effective).toEqual(body({ kept: 4, days: 20, trash: 20 }))
})

it('a default above the maximum keeps the service from starting', async () => {
  await expect(startFiles({ environment: { FILES_VERSIONS_KEPT: '200' } })).rejects.toThrow(
    /FILES_VERSIONS_KEPT is 200, above FILES_VERSIONS_MOST \(100\)/,
  )
})
