import { randomBytes } from 'node:crypto'
import { zipOf } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openFiles } from './app.fixtures.ts'
import {
  type CallOptions,
  type FilesTest,
  keysIn,
  newTenant,
  owed,
  removeObjects,
  runJob,
  startFiles,
  type Tenant,
  uploader,
} from './files.fixtures.ts'
import { fileIsolation } from './jobs/file-isolation.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { fileRescanSweep } from './jobs/file-rescan-sweep.ts'
import { infectionNotice } from './jobs/infection-notice.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { type MovingClamd, movingClamd } from './signatures.fixtures.ts'

const versionMilliseconds = 6000
const day = 86_400_000

let clamd: MovingClamd
let test: FilesTest
let tenant: Tenant
beforeAll(async () => {
  clamd = await movingClamd()
  test = await startFiles({ scanner: clamd })
})
afterAll(async () => {
  await test?.[Symbol.asyncDispose]()
  await clamd?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  tenant = newTenant()
  await move()
})

/** From here on every process sees the new database. */
async function move(signatures: Record<string, string> = {}): Promise<number> {
  const number = await clamd.move(signatures)
  test.advance(versionMilliseconds)
  return number
}

const upload = async (name: string, content: Buffer | string) => (await uploader(test, { tenant })(name, content)).body
const call = (method: string, path: string, options: CallOptions = {}) => test.call({ tenant }, path, { method, ...options })
const get = async (id: string) => (await call('GET', `/api/v1/files/${id}`)).body
const content = (id: string, headers: Record<string, string> = {}) => call('GET', `/api/v1/files/${id}/content`, { headers })
const admin = (path: string) => test.call({ tenant, role: 'admin', user: 'root' }, path)
const rescan = (fileId: string, requested = false) => runJob(test, fileRescan, { version: 1, tenantId: tenant.id, fileId, requested })
const isolate = (fileId: string) => runJob(test, fileIsolation, { version: 1, tenantId: tenant.id, fileId })
const used = async () => (await call('GET', '/api/v1/files/usage')).body.used
const own = (keys: string[]) => keys.filter((key) => key.includes(tenant.id))

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
    await test.context.reads.flush()
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

    expect(await owed(test, fileIsolation.name)).toContainEqual({ version: 1, tenantId: tenant.id, fileId: file.id })
    expect(await owed(test, infectionNotice.name)).toContainEqual({ version: 1, tenantId: tenant.id })
    expect(await isolate(file.id)).toEqual({ outcome: 'isolated' })
    expect(own(await keysIn(test, 'files'))).toEqual([])
    expect(own(await keysIn(test, 'quarantine'))).toHaveLength(1)
    expect(await isolate(file.id)).toEqual({ outcome: 'isolated' })
    expect(await rescan(file.id)).toEqual({ outcome: 'gone' })
  })

  it('evidence that is still in the readable bucket is not swept as an orphan, and is asked for again', async () => {
    const file = await upload('a.bin', 'late-malware')
    await move({ Slipway: 'late-malware' })
    await rescan(file.id)
    test.advance(2 * day)
    await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
    expect(own(await keysIn(test, 'files'))).toHaveLength(1)
    expect(await runJob(test, fileRescanSweep, { version: 1 })).toMatchObject({ isolations: expect.any(Number) })
    expect(await isolate(file.id)).toEqual({ outcome: 'isolated' })
  })

  it('a purge in the meantime leaves nothing, whichever comes first', async () => {
    const files = [await upload('a.bin', 'purged-malware'), await upload('b.bin', 'purged-malware too')]
    await move({ Slipway: 'purged-malware' })
    for (const { id } of files) await rescan(id)
    const purge = (id: string) => test.call({ tenant, role: 'admin' }, `/api/v1/quarantine/${id}`, { method: 'DELETE' })
    expect((await purge(files[0].id)).status).toBe(204)
    expect(await isolate(files[0].id)).toEqual({ outcome: 'purged' })
    expect(await isolate(files[1].id)).toEqual({ outcome: 'isolated' })
    expect((await purge(files[1].id)).status).toBe(204)
    await removeObjects(test)
    expect([...own(await keysIn(test, 'files')), ...own(await keysIn(test, 'quarantine'))]).toEqual([])
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

describe('a rescan without a verdict', () => {
  const doubtful = async () => (await call('GET', '/api/v1/files?doubtful=true')).body.items.map((file: { id: string }) => file.id)

  it('because limits were lowered leaves the file readable, marks and lists it, until the next database', async () => {
    const archive = zipOf([{ name: 'a.bin', content: randomBytes(50_000) }])
    const file = await upload('a.zip', archive)
    const scanner = { ...test.settings.scanner, maxFileBytes: 10_000 }
    await using strict = await openFiles({ ...test.settings, scanner, environment: { FILES_MAX_BYTES: '10000' } })
    const number = await move()
    expect(
      await runJob({ ...test, context: strict.context }, fileRescan, {
        version: 1,
        tenantId: tenant.id,
        fileId: file.id,
        requested: false,
      }),
    ).toEqual({
      outcome: 'unscannable',
    })
    const marked = await get(file.id)
    expect(marked).toMatchObject({ verdict: 'clean', scan: file.scan, rescan: { reason: expect.stringMatching(/limits|archive-member/) } })
    expect(marked.rescan.database).toMatch(new RegExp(`^${number}/`))
    expect((await content(file.id)).body.equals(archive)).toBe(true)
    expect(await doubtful()).toEqual([file.id])
    expect(await rescan(file.id)).toEqual({ outcome: 'current' })
    await move()
    expect(await rescan(file.id)).toEqual({ outcome: 'clean' })
    expect(await get(file.id)).toMatchObject({ rescan: null })
    expect(await doubtful()).toEqual([])
  })

  it('because the bytes are lost or others marks the file, once for each database', async () => {
    const [lost, altered] = [await upload('lost', 'lost'), await upload('altered', 'altered')]
    await test.storage.remove({ bucket: 'files', key: `${tenant.id}/${lost.id}` })
    await test.system.pool.query('update files set sha256 = $1 where id = $2', ['0'.repeat(64), altered.id])
    await move()
    expect([await rescan(lost.id), await rescan(altered.id)]).toEqual([{ outcome: 'lost' }, { outcome: 'altered' }])
    expect([await rescan(lost.id), await rescan(altered.id)]).toEqual([{ outcome: 'current' }, { outcome: 'current' }])
    expect((await get(lost.id)).rescan.reason).toBe('lost')
  })

  it('because other bytes are there that are malware takes the file from its readers', async () => {
    const file = await upload('altered', 'altered-malware')
    await test.system.pool.query('update files set sha256 = $1 where id = $2', ['0'.repeat(64), file.id])
    await move({ Slipway: 'altered-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'infected' })
    expect((await admin(`/api/v1/quarantine/${file.id}`)).body.sha256).toBe(file.sha256)
  })

  it('because other bytes are there that nobody can look at takes the file from its readers', async () => {
    const archive = zipOf([{ name: 'big', content: randomBytes(50_000) }])
    const [same, altered] = [await upload('same.zip', archive), await upload('altered.zip', archive)]
    await test.system.pool.query('update files set sha256 = $1 where id = $2', ['0'.repeat(64), altered.id])
    const scanner = { ...test.settings.scanner, maxFileBytes: 10_000 }
    await using strict = await openFiles({ ...test.settings, scanner, environment: { FILES_MAX_BYTES: '10000' } })
    await move()
    const look = ({ id }: { id: string }) =>
      runJob({ ...test, context: strict.context }, fileRescan, { version: 1, tenantId: tenant.id, fileId: id, requested: false })
    expect([await look(same), await look(altered)]).toEqual([{ outcome: 'unscannable' }, { outcome: 'altered' }])
    expect((await content(same.id)).status).toBe(200)
    expect(await content(altered.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    expect((await admin(`/api/v1/quarantine/${altered.id}`)).body).toMatchObject({ verdict: 'unscannable', sha256: altered.sha256 })
    expect(await look(altered)).toEqual({ outcome: 'gone' })
  })

  it('because other bytes are there than those that were released takes the file from its readers', async () => {
    const file = await upload('released', 'released-malware')
    const release = { by: 'user:a', approvedBy: 'user:b', reason: 'harmless', at: '2026-01-01T00:00:00.000Z', verdict: 'infected' }
    const released = JSON.stringify({ ...release, signature: 'Slipway.UNOFFICIAL' })
    await test.system.pool.query('update files set release = $1 where id = $2', [released, file.id])
    await move({ Slipway: 'released-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'released' })
    await test.system.pool.query('update files set sha256 = $1 where id = $2', ['0'.repeat(64), file.id])
    await move({ Slipway: 'released-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'infected' })
  })

  it('because the scanner is gone leaves the row as it was, and the job comes again', async () => {
    const file = await upload('a.txt', 'harmless')
    await using other = await movingClamd()
    await using down = await openFiles({ ...test.settings, scanner: { ...test.settings.scanner, port: other.port } })
    await other.kill()
    const job = { version: 1, tenantId: tenant.id, fileId: file.id, requested: true } as const
    await expect(runJob({ ...test, context: down.context }, fileRescan, job)).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(await get(file.id)).toEqual(file)
  })
})

describe('POST /api/v1/files/{id}/rescan', () => {
  const ask = (id: string, options: CallOptions = {}) => call('POST', `/api/v1/files/${id}/rescan`, options)
  const owedFor = async (id: string) => (await owed(test, fileRescan.name)).filter((payload) => payload['fileId'] === id)

  it('asks for it also when the signatures have not moved, and once for each key', async () => {
    const file = await upload('a.txt', 'harmless')
    const headers = { 'idempotency-key': 'rescan-1' }
    const answers = [await ask(file.id, { headers }), await ask(file.id, { headers }), await ask(file.id)]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(answers[0]?.body).toEqual(file)
    expect(answers[0]?.headers.get('location')).toBe(`/api/v1/files/${file.id}`)
    expect(await owedFor(file.id)).toEqual([{ version: 1, tenantId: tenant.id, fileId: file.id, requested: true }])
    expect(await rescan(file.id, true)).toEqual({ outcome: 'clean' })
    expect((await get(file.id)).scan.at >= file.scan.at).toBe(true)
    expect((await admin('/api/v1/files/audit?action=file.rescan-requested')).body.items).toHaveLength(2)
  })

  it('is for members, and for files that are there and readable', async () => {
    const file = await upload('a.txt', 'asked-malware')
    expect(await test.call({ tenant, role: 'viewer' }, `/api/v1/files/${file.id}/rescan`, { method: 'POST' })).toMatchObject({
      status: 403,
    })
    expect(await test.call({ tenant: newTenant() }, `/api/v1/files/${file.id}/rescan`, { method: 'POST' })).toMatchObject({ status: 404 })
    expect(await ask('0190a000-0000-7000-8000-000000000000')).toMatchObject({ status: 404 })
    expect(await ask('nonsense')).toMatchObject({ status: 400 })
    await move({ Slipway: 'asked-malware' })
    await rescan(file.id)
    expect(await ask(file.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable', verdict: 'infected' } })
  })
})
