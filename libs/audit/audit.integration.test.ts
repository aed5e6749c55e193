import { assertTenantTables, connect, type Database, newId } from '@slipway/db'
import { type TestDatabase, testDatabase } from '@slipway/testing'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuditEntry, type AuditQuery, listAudit, migrations, record } from './index.ts'

let database: TestDatabase
let runtime: Database
let system: Database

beforeAll(async () => {
  const folder = new URL('./fixtures/migrations/', import.meta.url)
  database = await testDatabase({ migrations: [{ service: 'audited', folder }], libraries: [migrations] })
  const open = (role: 'runtime' | 'system') => connect({ url: database.adminUrl, role: database.credentials(role) })
  runtime = open('runtime')
  system = open('system')
})
afterAll(async () => {
  await runtime[Symbol.asyncDispose]()
  await system[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

function entry(tenantId: string | null, changed: Partial<AuditEntry> = {}): AuditEntry {
  return { action: 'file.deleted', actor: { kind: 'user', id: newId() }, subject: { type: 'file', id: newId() }, tenantId, ...changed }
}
const write = (tenantId: string, changed?: Partial<AuditEntry>) =>
  runtime.tenantTransaction(tenantId, (tx) => record(tx, entry(tenantId, changed)))
const read = (tenantId: string, query: Partial<AuditQuery> = {}) =>
  runtime.tenantTransaction(tenantId, (tx) => listAudit(tx, { limit: 50, ...query }))

describe('record', () => {
  it('keeps who, what, when, from where, before and after', async () => {
    const tenantId = newId()
    const written = entry(tenantId, {
      actor: { kind: 'key', id: 'key-1', name: 'CI' },
      before: { name: 'a.txt' },
      after: { name: 'b.txt' },
      from: { ip: '2001:db8::1', userAgent: 'curl/8', requestId: 'r-1', traceId: '0'.repeat(32) },
    })
    await runtime.tenantTransaction(tenantId, (tx) => record(tx, written))
    const { items } = await read(tenantId)
    expect(items).toEqual([
      {
        ...written,
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        at: expect.any(Date) as Date,
        from: { ip: '2001:db8::1', userAgent: 'curl/8', requestId: 'r-1', traceId: '0'.repeat(32) },
      },
    ])
  })

  it('stands and falls with the change that it tells of', async () => {
    const tenantId = newId()
    const failing = runtime.tenantTransaction(tenantId, async (tx) => {
      await record(tx, entry(tenantId))
      throw new Error('no change after all')
    })
    await expect(failing).rejects.toThrow('no change after all')
    expect((await read(tenantId)).items).toEqual([])
  })

  it('keeps no secrets, whatever their depth', async () => {
    const tenantId = newId()
    const before = { password: 'hunter2', settings: { smtp: { apiKey: 'k', host: 'mail' } }, keys: [{ client_secret: 's', label: 'x' }] }
    await write(tenantId, { before, after: { sessionToken: 't', size: 3 } })
    const { items } = await read(tenantId)
    expect(items[0]).toMatchObject({
      before: { password: '[redacted]', settings: { smtp: { apiKey: '[redacted]', host: 'mail' } }, keys: [{ label: 'x' }] },
      after: { sessionToken: '[redacted]', size: 3 },
    })
    expect(JSON.stringify(items)).not.toMatch(/hunter2|"k"|"s"|"t"/)
  })

  it('takes what clients send: NUL, very long names, addresses that are none', async () => {
    const tenantId = newId()
    const from = { ip: 'unknown', userAgent: `evil\0${'x'.repeat(10_000)}`, requestId: undefined }
    await write(tenantId, {
      from,
      actor: { kind: 'user', id: 'u', name: 'a\0b' },
      after: { name: 'nul\0inside', half: '\ud800', bytes: 2n ** 60n },
    })
    const { items } = await read(tenantId)
    expect(items[0]).toMatchObject({
      actor: { name: 'ab' },
      from: { ip: null, requestId: null },
      after: { name: 'nulinside', half: '\ufffd', bytes: '1152921504606846976' },
    })
    expect(items[0]?.from.userAgent).toHaveLength(500)
    await write(tenantId, { from: { ip: 'fe80::1%eth0' } })
    expect((await read(tenantId)).items[0]?.from.ip).toBe('fe80::1')
  })
})

describe('the table', () => {
  it('keeps tenants apart', async () => {
    expect(await assertTenantTables(database.adminUrl, 'audited')).toContain('audit')
    const [mine, other] = [newId(), newId()]
    await write(other)
    expect((await read(mine)).items).toEqual([])
    await expect(runtime.tenantTransaction(mine, (tx) => record(tx, entry(other)))).rejects.toThrow(/Failed query/)
    await expect(runtime.tenantTransaction(mine, (tx) => record(tx, entry(null)))).rejects.toThrow(/Failed query/)
  })

  it('is only ever added to: runtime neither changes nor removes, system only removes', async () => {
    const tenantId = newId()
    await write(tenantId)
    for (const statement of [sql`update audit set action = 'nothing'`, sql`delete from audit`, sql`truncate audit`]) {
      await expect(runtime.tenantTransaction(tenantId, (tx) => tx.execute(statement))).rejects.toMatchObject({ cause: { code: '42501' } })
    }
    const change = system.transaction((tx) => tx.execute(sql`update audit set action = 'nothing'`))
    await expect(change).rejects.toMatchObject({ cause: { code: '42501' } })
    const removed = await system.transaction((tx) => tx.execute(sql`delete from audit where tenant_id = ${tenantId}`))
    expect(removed.rowCount).toBe(1)
  })

  it("shows a tenant the operator's looks at it, and the system role what concerns no tenant", async () => {
    const tenantId = newId()
    const look = { action: 'files.viewed', actor: { kind: 'operator', id: 'op-1' } } as const
    await system.transaction(async (tx) => {
      await record(tx, entry(tenantId, look))
      await record(tx, entry(null, { action: 'operator.signed-in' }))
    })
    expect((await read(tenantId)).items).toMatchObject([look])
    const all = await system.transaction((tx) => listAudit(tx, { limit: 50, action: 'operator.signed-in' }))
    expect(all.items).toMatchObject([{ tenantId: null }])
    const one = await system.transaction((tx) => listAudit(tx, { limit: 50, tenantId }))
    expect(one.items).toMatchObject([{ tenantId }])
  })
})

describe('listAudit', () => {
  it('pages from new to old without gaps or repeats while rows are added', async () => {
    const tenantId = newId()
    for (let index = 0; index < 7; index++) await write(tenantId, { subject: { type: 'file', id: String(index) } })
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await read(tenantId, { limit: 3, cursor })
      expect(page.items.length).toBeLessThanOrEqual(3)
      seen.push(...page.items.map((item) => item.subject.id))
      cursor = page.nextCursor ?? undefined
      await write(tenantId, { subject: { type: 'file', id: 'later' } })
    } while (cursor)
    expect(seen).toEqual(['6', '5', '4', '3', '2', '1', '0'])
  })

  it('ends with the last full page', async () => {
    const tenantId = newId()
    await write(tenantId)
    await write(tenantId)
    expect((await read(tenantId, { limit: 2 })).nextCursor).toBeNull()
    expect((await read(tenantId, { limit: 1 })).nextCursor).toEqual(expect.any(String))
  })

  it('filters by action, actor, subject and time', async () => {
    const tenantId = newId()
    const subject = { type: 'folder', id: 'f-1' }
    await write(tenantId, { action: 'folder.moved', subject, actor: { kind: 'user', id: 'ann' } })
    await write(tenantId, { action: 'folder.moved', actor: { kind: 'user', id: 'bob' } })
    await write(tenantId, { subject })
    const count = async (query: Partial<AuditQuery>) => (await read(tenantId, query)).items.length
    expect(await count({ action: 'folder.moved' })).toBe(2)
    expect(await count({ actorId: 'ann' })).toBe(1)
    expect(await count({ subject })).toBe(2)
    expect(await count({ subject: { type: 'folder' } })).toBe(2)
    expect(await count({ subject: { id: 'f-1' } })).toBe(2)
    expect(await count({ subject: { type: 'file', id: 'f-1' } })).toBe(0)
    expect(await count({ subject, action: 'folder.moved' })).toBe(1)
    const middle = (await read(tenantId)).items[1]?.at
    expect(await count({ since: middle })).toBe(2)
    expect(await count({ until: middle })).toBe(1)
  })
})
