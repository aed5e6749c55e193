import { randomBytes } from 'node:crypto'
import { zipOf } from '@slipway/testing'
import { describe, expect, it } from 'vitest'
import { openFiles } from './app.fixtures.ts'
import { rescanFile } from './domain/rescan.ts'
import { keysIn, runJob } from './files.fixtures.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { rescans } from './rescan.fixtures.ts'
import { failingClamd, movingClamd } from './signatures.fixtures.ts'

const at = rescans()
const { move, call, admin, upload, get, content, rescan, isolate, own } = at

describe('a rescan without a verdict', () => {
  const doubtful = async () => (await call('GET', '/api/v1/files?doubtful=true')).body.items.map((file: { id: string }) => file.id)

  it('because limits were lowered leaves the file readable, marks and lists it, until the next database', async () => {
    const archive = zipOf([{ name: 'a.bin', content: randomBytes(50_000) }])
    const file = await upload('a.zip', archive)
    const scanner = { ...at.test.settings.scanner, maxFileBytes: 10_000 }
    await using strict = await openFiles({ ...at.test.settings, scanner, environment: { FILES_MAX_BYTES: '10000' } })
    const number = await move()
    expect(
      await runJob({ ...at.test, context: strict.context }, fileRescan, {
        version: 1,
        tenantId: at.tenant.id,
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
    await at.test.storage.remove({ bucket: 'files', key: `${at.tenant.id}/${lost.id}` })
    await at.alter(altered.id)
    await move()
    expect([await rescan(lost.id), await rescan(altered.id)]).toEqual([{ outcome: 'lost' }, { outcome: 'altered' }])
    expect([await rescan(lost.id), await rescan(altered.id)]).toEqual([{ outcome: 'current' }, { outcome: 'current' }])
    expect((await get(lost.id)).rescan.reason).toBe('lost')
  })

  it('because other bytes are there that are malware takes the file from its readers', async () => {
    const file = await upload('altered', 'altered-malware')
    await at.alter(file.id)
    await move({ Slipway: 'altered-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'infected' })
    expect((await admin(`/api/v1/quarantine/${file.id}`)).body.sha256).toBe(file.sha256)
  })

  it('because other bytes are there that nobody can look at takes the file from its readers', async () => {
    const archive = zipOf([{ name: 'big', content: randomBytes(50_000) }])
    const [same, altered] = [await upload('same.zip', archive), await upload('altered.zip', archive)]
    await at.alter(altered.id)
    const scanner = { ...at.test.settings.scanner, maxFileBytes: 10_000 }
    await using strict = await openFiles({ ...at.test.settings, scanner, environment: { FILES_MAX_BYTES: '10000' } })
    await move()
    const look = ({ id }: { id: string }) =>
      runJob({ ...at.test, context: strict.context }, fileRescan, { version: 1, tenantId: at.tenant.id, fileId: id, requested: false })
    expect([await look(same), await look(altered)]).toEqual([{ outcome: 'unscannable' }, { outcome: 'altered' }])
    expect((await content(same.id)).status).toBe(200)
    expect(await content(altered.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    expect((await admin(`/api/v1/quarantine/${altered.id}`)).body).toMatchObject({ verdict: 'unscannable', sha256: altered.sha256 })
    expect(await look(altered)).toEqual({ outcome: 'gone' })
  })

  it('because the scanner fails at it is tried again, and marks the file after the last try', async () => {
    const file = await upload('a.txt', 'harmless')
    await move()
    await using failing = await failingClamd(at.clamd)
    await using failed = await openFiles({ ...at.test.settings, scanner: { ...at.test.settings.scanner, port: failing.port } })
    const job = { tenantId: at.tenant.id, fileId: file.id, requested: false, signal: new AbortController().signal }
    await expect(rescanFile(failed.context, { ...job, last: false })).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(await get(file.id)).toEqual(file)
    expect(await rescanFile(failed.context, { ...job, last: true })).toBe('error')
    expect(await get(file.id)).toMatchObject({ verdict: 'clean', rescan: { reason: 'error' } })
    expect((await content(file.id)).status).toBe(200)
  })

  it('because the scanner fails at other bytes takes the file from its readers at the first try', async () => {
    const file = await upload('altered', 'altered')
    await at.alter(file.id)
    await move()
    await using failing = await failingClamd(at.clamd)
    await using failed = await openFiles({ ...at.test.settings, scanner: { ...at.test.settings.scanner, port: failing.port } })
    const job = { tenantId: at.tenant.id, fileId: file.id, requested: false, signal: new AbortController().signal }
    expect(await rescanFile(failed.context, { ...job, last: false })).toBe('altered')
    expect(await content(file.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    expect((await admin(`/api/v1/quarantine/${file.id}`)).body).toMatchObject({ verdict: 'unscannable', sha256: file.sha256 })
    expect(await isolate(file.id)).toEqual({ outcome: 'isolated' })
    expect(own(await keysIn(at.test, 'files'))).toEqual([])
  })

  it('because other bytes are there than those that were released takes the file from its readers', async () => {
    const file = await upload('released', 'released-malware')
    const release = { by: 'user:a', approvedBy: 'user:b', reason: 'harmless', at: '2026-01-01T00:00:00.000Z', verdict: 'infected' }
    const released = JSON.stringify({ ...release, signature: 'Slipway.UNOFFICIAL' })
    await at.test.system.pool.query('update files set release = $1 where id = $2', [released, file.id])
    await move({ Slipway: 'released-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'released' })
    await at.alter(file.id)
    await move({ Slipway: 'released-malware' })
    expect(await rescan(file.id)).toEqual({ outcome: 'infected' })
  })

  it('because the scanner is gone leaves the row as it was, and the job comes again', async () => {
    const file = await upload('a.txt', 'harmless')
    await using other = await movingClamd()
    await using down = await openFiles({ ...at.test.settings, scanner: { ...at.test.settings.scanner, port: other.port } })
    await other.kill()
    const job = { version: 1, tenantId: at.tenant.id, fileId: file.id, requested: true } as const
    await expect(runJob({ ...at.test, context: down.context }, fileRescan, job)).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(await get(file.id)).toEqual(file)
  })
})
