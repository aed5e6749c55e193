import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rescanFile } from './domain/rescan.ts'
import { authorization, type FilesTest, keysIn, newTenant, owed, removeObjects, runJob, startFiles, type Tenant } from './files.fixtures.ts'
import { fileIsolation } from './jobs/file-isolation.ts'
import { filePurge } from './jobs/file-purge.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { fileScan } from './jobs/file-scan.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { type MovingClamd, movingClamd } from './signatures.fixtures.ts'
import { expectOrder, versionsOf } from './versions.fixtures.ts'

const day = 86_400_000
const mebibyte = 1_048_576

let clamd: MovingClamd
let test: FilesTest
let tenant: Tenant
let ada: ReturnType<typeof versionsOf>
beforeAll(async () => {
  clamd = await movingClamd()
  test = await startFiles({ scanner: { host: clamd.host, port: clamd.port } })
})
afterAll(async () => {
  await test?.[Symbol.asyncDispose]()
  await clamd?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  tenant = newTenant()
  ada = versionsOf(test, tenant)
  await move()
})

async function move(signatures: Record<string, string> = {}): Promise<void> {
  await clamd.move(signatures)
  test.advance(6000)
}

const rowOf = async (id: string, revision: number) => {
  const { rows } = await test.system.pool.query<{ id: string }>('select id from files where (id = $1 or head_id = $1) and revision = $2', [
    id,
    revision,
  ])
  return rows[0]?.id ?? ''
}
const rescan = (fileId: string) => runJob(test, fileRescan, { version: 1, tenantId: tenant.id, fileId, requested: true })
const isolate = (fileId: string) => runJob(test, fileIsolation, { version: 1, tenantId: tenant.id, fileId })
const as = (user: string, path: string, json?: object) =>
  test.call({ tenant, role: 'admin', user }, path, json ? { method: 'POST', json } : {})
const own = async (bucket: 'files' | 'quarantine') => (await keysIn(test, bucket)).filter((key) => key.includes(tenant.id))

/** A file with three contents, of which one is to turn out infected. */
async function fileWith(infected: 1 | 2 | 3) {
  const word = `malware-${randomBytes(8).toString('hex')}`
  const content = (n: number) => (n === infected ? `${n} ${word}` : `${n} harmless`)
  const { id } = await ada.upload('a.txt', content(1))
  for (const n of [2, 3]) await ada.overwrite(id, content(n))
  return { id: id as string, word, content }
}

describe('a version that turns out infected', () => {
  it('is read by nobody any more and becomes evidence; its file and the other versions are as they were', async () => {
    const { id, word, content } = await fileWith(1)
    const before = await ada.get(id)
    await move({ Slipway: word })
    const row = await rowOf(id, 1)
    expect(await rescan(await rowOf(id, 2))).toEqual({ outcome: 'clean' })
    expect(await rescan(row)).toEqual({ outcome: 'infected' })
    expect((await ada.content(id, 1)).body.code).toBe('file.not-readable')
    expect((await ada.restore(id, 1)).body.code).toBe('file.not-readable')
    expect(await ada.get(id)).toEqual(before)
    expect([await ada.text(id), (await ada.content(id, 2)).body.toString()]).toEqual([content(3), content(2)])
    expect(await ada.used()).toEqual({ bytes: content(2).length + content(3).length, files: 1 })
    const refusal = (await as('root', `/api/v1/quarantine/${row}`)).body
    expect(refusal).toMatchObject({ name: 'a.txt', foundBy: 'rescan', uploadedBy: 'user:ada' })
    expect(await own('files')).toHaveLength(3)
    expect(await owed(test, fileIsolation.name)).toContainEqual({ version: 1, tenantId: tenant.id, fileId: row })
    // Neither is it an orphan while it waits.
    test.advance(2 * day)
    await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
    expect(await own('files')).toHaveLength(3)
    expect(await isolate(row)).toEqual({ outcome: 'isolated' })
    expect(await isolate(row)).toEqual({ outcome: 'isolated' })
    expect([(await own('files')).length, (await own('quarantine')).length]).toEqual([2, 1])
    await expectOrder(test, tenant)
  })

  it('comes back to its place when two admins release it', async () => {
    const { id, word, content } = await fileWith(1)
    await move({ Slipway: word })
    const row = await rowOf(id, 1)
    await rescan(row)
    await isolate(row)
    for (const user of ['root', 'ada']) await as(user, `/api/v1/quarantine/${row}/release`, { reason: 'harmless' })
    expect(await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: row })).toEqual({ outcome: 'clean' })
    expect((await ada.content(id, 1)).body.toString()).toBe(content(1))
    expect(await ada.text(id)).toBe(content(3))
    expect((await as('root', '/api/v1/files/audit?action=file.released')).body.items).toMatchObject([{ subject: { id } }])
    await expectOrder(test, tenant)
  })

  it.each(['before', 'after'])('and is purged %s it was moved leaves no byte', async (when) => {
    const { id, word } = await fileWith(2)
    await move({ Slipway: word })
    const row = await rowOf(id, 2)
    await rescan(row)
    if (when === 'after') await isolate(row)
    const purge = { method: 'DELETE' }
    expect((await test.call({ tenant, role: 'admin' }, `/api/v1/quarantine/${row}`, purge)).status).toBe(204)
    await removeObjects(test)
    await isolate(row)
    expect([(await own('files')).length, await own('quarantine')]).toEqual([2, []])
    expect((await ada.list(id)).map(({ revision }) => revision)).toEqual([3, 1])
    await expectOrder(test, tenant)
  })

  it('stays evidence when its file is purged, and can be released as a file of its own', async () => {
    const { id, word, content } = await fileWith(1)
    await move({ Slipway: word })
    const row = await rowOf(id, 1)
    await rescan(row)
    expect((await ada.remove(id, '?permanent=true')).status).toBe(204)
    await removeObjects(test)
    expect(await isolate(row)).toEqual({ outcome: 'isolated' })
    await expectOrder(test, tenant)
    for (const user of ['root', 'ada']) await as(user, `/api/v1/quarantine/${row}/release`, { reason: 'harmless' })
    expect(await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: row })).toEqual({ outcome: 'clean' })
    expect(await ada.get(row)).toMatchObject({ name: 'a.txt', verdict: 'clean' })
    expect(await ada.text(row)).toBe(content(1))
    await expectOrder(test, tenant)
  })
})

describe('a file that turns out infected', () => {
  it('is neither overwritten nor restored onto, and its clean versions are read', async () => {
    const { id, word, content } = await fileWith(3)
    await move({ Slipway: word })
    expect(await rescan(id)).toEqual({ outcome: 'infected' })
    expect(await isolate(id)).toEqual({ outcome: 'isolated' })
    expect((await ada.put(id, 'x', { 'if-match': '*' })).body.code).toBe('file.not-readable')
    expect((await ada.restore(id, 1)).body.code).toBe('file.not-readable')
    expect((await ada.content(id, 1)).body.toString()).toBe(content(1))
    expect((await ada.content(id, 3)).body.code).toBe('file.not-readable')
    expect((await ada.list(id)).map(({ verdict }) => verdict)).toEqual(['infected', 'clean', 'clean'])
    expect(await ada.used()).toEqual({ bytes: content(1).length + content(2).length, files: 0 })
    expect(await own('files')).toHaveLength(2)
    await expectOrder(test, tenant)
    // Released, it is the file again, with its history.
    for (const user of ['root', 'ada']) await as(user, `/api/v1/quarantine/${id}/release`, { reason: 'harmless' })
    expect(await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: id })).toEqual({ outcome: 'clean' })
    expect(await ada.text(id)).toBe(content(3))
    expect((await ada.restore(id, 1)).status).toBe(200)
    expect(await ada.text(id)).toBe(content(1))
    await expectOrder(test, tenant)
  })

  it('takes its versions along when its refusal is purged', async () => {
    const { id, word } = await fileWith(3)
    await move({ Slipway: word })
    await rescan(id)
    expect((await test.call({ tenant, role: 'admin' }, `/api/v1/quarantine/${id}`, { method: 'DELETE' })).status).toBe(204)
    await removeObjects(test)
    expect(await isolate(id)).toEqual({ outcome: 'purged' })
    expect([await ada.used(), await own('files'), await own('quarantine')]).toEqual([{ bytes: 0, files: 0 }, [], []])
    await expectOrder(test, tenant)
  })
})

describe('content that moves while it is looked at', () => {
  /** The rescan has its verdict when this happens. */
  const rescanAround = (fileId: string, between: () => Promise<unknown>) => {
    const { gate } = test.context
    const late: typeof gate = {
      ...gate,
      rescan: async (...parameters) => {
        const found = await gate.rescan(...parameters)
        await between()
        return found
      },
    }
    const { signal } = new AbortController()
    return rescanFile({ ...test.context, gate: late }, { tenantId: tenant.id, fileId, requested: true, last: false, signal })
  }

  it('is taken from its readers where it is then', async () => {
    const { id, word } = await fileWith(3)
    await move({ Slipway: word })
    expect(await rescanAround(id, () => ada.overwrite(id, 'four'))).toBe('infected')
    expect(await ada.text(id)).toBe('four')
    expect((await ada.list(id)).map(({ revision, verdict }) => [revision, verdict])).toEqual([
      [4, 'clean'],
      [3, 'infected'],
      [2, 'clean'],
      [1, 'clean'],
    ])
    expect(await isolate(await rowOf(id, 3))).toEqual({ outcome: 'isolated' })
    await expectOrder(test, tenant)
  })

  it('has the verdict of its own bytes, whichever row holds it', async () => {
    const { id, word } = await fileWith(1)
    await move({ Slipway: word })
    expect(await rescanAround(id, () => ada.restore(id, 2))).toBe('clean')
    const [, third] = (await ada.call(`/api/v1/files/${id}/versions`)).body.items
    expect(third.revision).toBe(3)
    const current = await ada.get(id)
    expect(third.scan.database > current.scan.database).toBe(true)
  })

  it('breaks off downloads that had begun when it was that of the file', async () => {
    const word = `malware-${randomBytes(8).toString('hex')}`
    const bytes = Buffer.concat([randomBytes(8 * mebibyte), Buffer.from(word)])
    const { id } = await ada.upload('a.bin', bytes)
    const response = await fetch(`${test.url}/api/v1/files/${id}/content`, { headers: authorization({ tenant }) })
    const reader = response.body!.getReader()
    await reader.read()
    await ada.overwrite(id, 'harmless')
    await move({ Slipway: word })
    expect(await rescan(await rowOf(id, 1))).toEqual({ outcome: 'infected' })
    // Slower than the cut, and faster than the patience of a test.
    const rest = async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) await delay(100)
    }
    await expect(rest()).rejects.toThrow()
    await isolate(await rowOf(id, 1))
    await expectOrder(test, tenant)
  })
})

it('a refusal that is purged by the sweep takes the versions of its file along', async () => {
  const { id, word } = await fileWith(3)
  await move({ Slipway: word })
  await rescan(id)
  await isolate(id)
  test.advance(91 * day)
  await runJob(test, filePurge, { version: 1 })
  await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
  await expectOrder(test, tenant)
  expect((await ada.call(`/api/v1/files/${id}`)).status).toBe(404)
  expect([await ada.used(), await own('files'), await own('quarantine')]).toEqual([{ bytes: 0, files: 0 }, [], []])
})
