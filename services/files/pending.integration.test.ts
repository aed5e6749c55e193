import { randomBytes, randomUUID } from 'node:crypto'
import { drain, eicar, zipOf } from '@slipway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clamd, slowClamd } from './clamd.fixtures.ts'
import { platformAuthor } from './domain/author.ts'
import { requireFile } from './domain/files.ts'
import { settle } from './domain/settle.ts'
import {
  type Answer,
  type CallOptions,
  type FilesTest,
  keysIn,
  newTenant,
  removeObjects,
  runJob,
  startFiles,
  type Tenant,
  uploader,
} from './files.fixtures.ts'
import { filePurge } from './jobs/file-purge.ts'
import { fileScan } from './jobs/file-scan.ts'

const day = 86_400_000
const syncBytes = 1000
const maxBytes = 100_000

let clamd: Clamd
let test: FilesTest
let tenant: Tenant
beforeEach(async () => {
  tenant = newTenant()
  clamd = await slowClamd()
  const environment = { FILES_SYNC_BYTES: String(syncBytes), FILES_MAX_BYTES: String(maxBytes), FILES_QUOTA_BYTES: '1000000' }
  test = await startFiles({ scanner: clamd, environment })
})
afterEach(async () => {
  clamd.release()
  await test[Symbol.asyncDispose]()
  await clamd[Symbol.asyncDispose]()
})

const upload = (name: string, content: Buffer | string, fields: Record<string, string> = {}) =>
  uploader(test, { tenant })(name, content, { fields })
const call = (method: string, path: string, options: CallOptions = {}) => test.call({ tenant }, path, { method, ...options })
const get = (id: string) => call('GET', `/api/v1/files/${id}`)
const used = async () => (await call('GET', '/api/v1/files/usage')).body.used
const code = ({ status, body }: Answer) => [status, body.code]
const virus = () =>
  zipOf([
    { name: 'e.com', content: eicar() },
    { name: 'padding', content: randomBytes(20_000) },
  ])

async function settled(id: string) {
  for (;;) {
    const { body } = await get(id)
    if (body.verdict !== 'pending') return body
  }
}

async function pendingFile(name: string, content: Buffer = randomBytes(50_000), fields: Record<string, string> = {}) {
  clamd.hold()
  const { status, body } = await upload(name, content, fields)
  expect(status).toBe(202)
  return body
}

describe('the size', () => {
  it.each([
    [0, 201],
    [1, 201],
    [syncBytes, 201],
    [syncBytes + 1, 202],
    [maxBytes, 202],
    [maxBytes + 1, 413],
  ])('of %d bytes is answered with %d', async (size, status) => {
    const answer = await upload('a', randomBytes(size))
    expect(answer.status).toBe(status)
    if (status === 413) expect(await used()).toEqual({ bytes: 0, files: 0 })
    else expect((await settled(answer.body.id)).verdict).toBe('clean')
  })

  it('may fill the quota to the last byte; then only empty files have room', async () => {
    for (let part = 0; part < 9; part++) expect((await upload(`${part}`, randomBytes(maxBytes))).status).toBe(202)
    expect(code(await upload('over', randomBytes(maxBytes).subarray(0, maxBytes)))).toEqual([202, undefined])
    expect(await used()).toEqual({ bytes: 1_000_000, files: 10 })
    expect(code(await upload('one', 'x'))).toEqual([413, 'quota.exceeded'])
    expect((await upload('none', '')).status).toBe(201)
    expect(await used()).toEqual({ bytes: 1_000_000, files: 11 })
  })
})

describe('a pending file', () => {
  it('shows nothing of its content, by any method and with any condition', async () => {
    const { id, sha256 } = await pendingFile('a')
    const path = `/api/v1/files/${id}/content`
    for (const headers of [{}, { range: 'bytes=0-0' }, { 'if-none-match': '*' }, { 'if-none-match': `"${sha256}"` }]) {
      expect(code(await call('GET', path, { headers }))).toEqual([409, 'file.not-readable'])
      expect((await call('HEAD', path, { headers })).status).toBe(409)
    }
    expect(await keysIn(test, 'files')).toEqual([])
  })

  it('is renamed and moved like others, and keeps that when the verdict comes', async () => {
    const folder = (await call('POST', '/api/v1/folders', { json: { name: 'in' } })).body.id
    const { id } = await pendingFile('a')
    expect((await call('PATCH', `/api/v1/files/${id}`, { json: { name: 'b', folderId: folder } })).body).toMatchObject({
      verdict: 'pending',
      name: 'b',
    })
    clamd.release()
    expect(await settled(id)).toMatchObject({ verdict: 'clean', name: 'b', folderId: folder })
  })

  it('holds its name, until it turns out to be malware', async () => {
    const { id } = await pendingFile('a.zip', virus())
    expect(code(await upload('A.ZIP', 'x', { onConflict: 'fail' }))).toEqual([409, 'name.taken'])
    clamd.release()
    expect((await settled(id)).verdict).toBe('infected')
    expect((await upload('A.ZIP', 'x', { onConflict: 'fail' })).status).toBe(201)
  })

  it('changes its ETag with the verdict: who has seen it pending has not seen it clean', async () => {
    const { id, etag } = await pendingFile('a')
    clamd.release()
    await settled(id)
    expect(code(await call('PATCH', `/api/v1/files/${id}`, { json: { name: 'b' }, headers: { 'if-match': etag } }))).toEqual([
      412,
      'precondition.failed',
    ])
  })

  it('that lay in the trash and is malware is in the quarantine only, and costs nothing any more', async () => {
    const { id } = await pendingFile('a.zip', virus())
    await call('DELETE', `/api/v1/files/${id}`)
    clamd.release()
    expect(await settled(id)).toMatchObject({ verdict: 'infected', trashedAt: null })
    expect((await call('GET', '/api/v1/files?trashed=true')).body.items).toEqual([])
    expect(code(await call('POST', `/api/v1/files/${id}/restore`))).toEqual([409, 'file.not-readable'])
    expect(code(await call('DELETE', `/api/v1/files/${id}?permanent=true`))).toEqual([409, 'file.not-readable'])
    expect(await used()).toEqual({ bytes: 0, files: 0 })
    expect(await keysIn(test, 'quarantine')).toHaveLength(1)
  })

  it('survives its folder: in the trash with the tree, restored to the root, readable after the verdict', async () => {
    const folder = (await call('POST', '/api/v1/folders', { json: { name: 'in' } })).body.id
    const { id } = await pendingFile('a', randomBytes(5000), { folderId: folder })
    expect(code(await call('DELETE', `/api/v1/folders/${folder}`))).toEqual([409, 'resource.conflict'])
    expect((await call('DELETE', `/api/v1/folders/${folder}?recursive=true`)).status).toBe(204)
    clamd.release()
    expect(await settled(id)).toMatchObject({ verdict: 'clean', folderId: null })
    await call('POST', `/api/v1/files/${id}/restore`)
    expect((await call('GET', `/api/v1/files/${id}/content`)).body.length).toBe(5000)
  })

  it('is purged with the trash, and its late verdict brings nothing back', async () => {
    const { id } = await pendingFile('a')
    await clamd.holding(1)
    await call('DELETE', `/api/v1/files/${id}`)
    test.advance(31 * day)
    await runJob(test, filePurge, { version: 1 })
    await removeObjects(test)
    clamd.release()
    await test.context.settler[Symbol.asyncDispose]()
    expect(await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: id })).toEqual({ outcome: 'gone' })
    expect(await used()).toEqual({ bytes: 0, files: 0 })
    expect([await keysIn(test, 'files'), await keysIn(test, 'quarantine')]).toEqual([[], []])
  })

  it('of another tenant is scanned by nobody: a job cannot reach over', async () => {
    const { id } = await pendingFile('a')
    await test.context.settler[Symbol.asyncDispose]()
    clamd.release()
    const foreign = { version: 1 as const, tenantId: newTenant().id, fileId: id }
    expect(await runJob(test, fileScan, foreign)).toEqual({ outcome: 'gone' })
    expect((await get(id)).body.verdict).toBe('pending')
  })
})

describe('a lease of another process', () => {
  it('is waited for by a real worker, which takes over when that process does not come back', async () => {
    const { id } = await pendingFile('a')
    await test.context.settler[Symbol.asyncDispose]()
    clamd.release()
    const taken = `update files set lease_token = $2, lease_until = now() + interval '2 s' where id = $1 returning lease_until as until`
    const { rows: leases } = await test.system.pool.query(taken, [id, randomUUID()])
    await using _ = await test.work()
    expect(await settled(id)).toMatchObject({ verdict: 'clean' })
    await drain(await test.queues.queue(fileScan))
    const outcome = 'select scan_attempts::int as attempts, scan_at >= $2 as after_lease from files where id = $1'
    const { rows } = await test.system.pool.query(outcome, [id, leases[0].until])
    expect(rows).toEqual([{ attempts: 2, after_lease: true }])
  })

  it('is respected by a settler who comes late: neither refusal nor quota are his any more', async () => {
    const { id } = await pendingFile('a.zip', virus())
    await test.context.settler[Symbol.asyncDispose]()
    clamd.release()
    const row = await test.context.database.tenantTransaction(tenant.id, (tx) => requireFile(tx, id))
    const accepted = await test.context.gate.resume(row.quarantine!)
    await test.system.pool.query('update files set lease_token = $2 where id = $1', [id, randomUUID()])
    expect(await settle(test.context, { author: platformAuthor(tenant.id, 'late'), row, leaseToken: randomUUID() }, accepted)).toBeNull()
    expect(await used()).toMatchObject({ files: 1 })
    expect((await test.system.pool.query('select 1 from quarantine')).rows).toEqual([])
    test.advance(2 * 60_000)
    expect(await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: id })).toEqual({ outcome: 'infected' })
    expect(await used()).toEqual({ bytes: 0, files: 0 })
  })
})
