import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type CallOptions, keysIn, newTenant, owed, removeObjects, runJob } from './files.fixtures.ts'
import { fileIsolation } from './jobs/file-isolation.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { fileRescanSweep } from './jobs/file-rescan-sweep.ts'
import { infectionNotice } from './jobs/infection-notice.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { rescans } from './rescan.fixtures.ts'

const day = 86_400_000

const at = rescans()
const { move, call, admin, upload, get, content, rescan, isolate, used, own } = at

describe('when the signatures move', () => {
  it('what is still clean says by which signatures, and nothing else of it changes', async () => {
    const before = await upload('a.txt', 'harmless')
    expect(await rescan(before.id)).toEqual({ outcome: 'current' })
    const number = await move({ Other: 'something else' })
    expect(await rescan(before.id)).toEqual({ outcome: 'clean' })
    const after = await get(before.id)
    expect(after.scan.database).toMatch(new RegExp(`^${number}/`))
    expect({ ...after, scan: null }).toEqual({ ...before, scan: null })
    expect(await rescan(before.id)).toEqual({ outcome: 'current' })
  })

  it('what turns out infected is read by nobody any more, and is evidence', async () => {
    const bytes = `new-malware ${randomBytes(2000).toString('hex')}`
    const file = await upload('a.bin', bytes)
    const { headers, status } = await content(file.id)
    expect(status).toBe(200)
    await at.test.context.reads.flush()
    await move({ Slipway: 'new-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'infected' })

    expect(await content(file.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable', verdict: 'infected' } })
    expect(await content(file.id, { 'if-none-match': headers.get('etag') ?? '' })).toMatchObject({ status: 409 })
    expect(await content(file.id, { range: 'bytes=0-1' })).toMatchObject({ status: 409 })
    expect((await call('GET', '/api/v1/files')).body.items).toEqual([])
    expect(await used()).toEqual({ bytes: 0, files: 0 })
    expect((await get(file.id)).verdict).toBe('infected')
    expect((await admin(`/api/v1/quarantine/${file.id}`)).body).toMatchObject({
      foundBy: 'rescan',
      verdict: 'infected',
      signature: 'Slipway.UNOFFICIAL',
      uploadedBy: 'user:ada',
      sha256: file.sha256,
      earlier: { engine: file.scan.engine, database: file.scan.database, at: file.scan.at },
      reads: 1,
      readAt: expect.any(String),
      release: null,
    })
    const trail = await admin('/api/v1/files/audit?action=file.withdrawn')
    expect(trail.body.items).toMatchObject([{ subject: { id: file.id }, before: { verdict: 'clean' }, after: { verdict: 'infected' } }])

    expect(await owed(at.test, fileIsolation.name)).toContainEqual({ version: 1, tenantId: at.tenant.id, fileId: file.id })
    expect(await owed(at.test, infectionNotice.name)).toContainEqual({ version: 1, tenantId: at.tenant.id })
    expect(await isolate(file.id)).toEqual({ outcome: 'isolated' })
    expect(own(await keysIn(at.test, 'files'))).toEqual([])
    expect(own(await keysIn(at.test, 'quarantine'))).toHaveLength(1)
    expect(await isolate(file.id)).toEqual({ outcome: 'isolated' })
    expect(await rescan(file.id)).toEqual({ outcome: 'gone' })
  })

  it('evidence that is still in the readable bucket is not swept as an orphan, and is asked for again', async () => {
    const file = await upload('a.bin', 'late-malware')
    await move({ Slipway: 'late-malware' })
    await rescan(file.id)
    at.test.advance(2 * day)
    await runJob(at.test, quarantineSweep, { version: 1, scope: 'all' })
    expect(own(await keysIn(at.test, 'files'))).toHaveLength(1)
    expect(await runJob(at.test, fileRescanSweep, { version: 1 })).toMatchObject({ isolations: expect.any(Number) })
    expect(await isolate(file.id)).toEqual({ outcome: 'isolated' })
  })

  it('a purge in the meantime leaves nothing, whichever comes first', async () => {
    const files = [await upload('a.bin', 'purged-malware'), await upload('b.bin', 'purged-malware too')]
    await move({ Slipway: 'purged-malware' })
    for (const { id } of files) await rescan(id)
    const purge = (id: string) => at.test.call({ tenant: at.tenant, role: 'admin' }, `/api/v1/quarantine/${id}`, { method: 'DELETE' })
    expect((await purge(files[0].id)).status).toBe(204)
    expect(await isolate(files[0].id)).toEqual({ outcome: 'purged' })
    expect(await isolate(files[1].id)).toEqual({ outcome: 'isolated' })
    expect((await purge(files[1].id)).status).toBe(204)
    await removeObjects(at.test)
    expect([...own(await keysIn(at.test, 'files')), ...own(await keysIn(at.test, 'quarantine'))]).toEqual([])
  })

  it('what was found while the file was in the trash is found all the same', async () => {
    const file = await upload('a.bin', 'trashed-malware')
    await call('DELETE', `/api/v1/files/${file.id}`)
    await move({ Slipway: 'trashed-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'infected' })
    expect(await call('POST', `/api/v1/files/${file.id}/restore`)).toMatchObject({ status: 409 })
    expect(await used()).toEqual({ bytes: 0, files: 0 })
  })
})

describe('POST /api/v1/files/{id}/rescan', () => {
  const ask = (id: string, options: CallOptions = {}) => call('POST', `/api/v1/files/${id}/rescan`, options)
  const owedFor = async (id: string) => (await owed(at.test, fileRescan.name)).filter((payload) => payload['fileId'] === id)

  it('asks for it also when the signatures have not moved, and once for each key', async () => {
    const file = await upload('a.txt', 'harmless')
    const headers = { 'idempotency-key': 'rescan-1' }
    const answers = [await ask(file.id, { headers }), await ask(file.id, { headers }), await ask(file.id)]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(answers[0]?.body).toEqual(file)
    expect(answers[0]?.headers.get('location')).toBe(`/api/v1/files/${file.id}`)
    expect(await owedFor(file.id)).toEqual([{ version: 1, tenantId: at.tenant.id, fileId: file.id, requested: true }])
    expect(await rescan(file.id, true)).toEqual({ outcome: 'clean' })
    expect((await get(file.id)).scan.at >= file.scan.at).toBe(true)
    expect((await admin('/api/v1/files/audit?action=file.rescan-requested')).body.items).toHaveLength(2)
  })

  it('is for members, and for files that are there and readable', async () => {
    const file = await upload('a.txt', 'asked-malware')
    expect(await at.test.call({ tenant: at.tenant, role: 'viewer' }, `/api/v1/files/${file.id}/rescan`, { method: 'POST' })).toMatchObject({
      status: 403,
    })
    expect(await at.test.call({ tenant: newTenant() }, `/api/v1/files/${file.id}/rescan`, { method: 'POST' })).toMatchObject({
      status: 404,
    })
    expect(await ask('0190a000-0000-7000-8000-000000000000')).toMatchObject({ status: 404 })
    expect(await ask('nonsense')).toMatchObject({ status: 400 })
    await move({ Slipway: 'asked-malware' })
    await rescan(file.id)
    expect(await ask(file.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable', verdict: 'infected' } })
  })
})
