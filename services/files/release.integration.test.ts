import { randomUUID } from 'node:crypto'
import { eicar } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CallOptions, type FilesTest, keysIn, newTenant, owed, runJob, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { fileIsolation } from './jobs/file-isolation.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { fileScan } from './jobs/file-scan.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { type MovingClamd, movingClamd } from './signatures.fixtures.ts'

const day = 86_400_000
const quotaBytes = 10_000
const reason = 'A false alarm, says the vendor'

let clamd: MovingClamd
let test: FilesTest
let tenant: Tenant
beforeAll(async () => {
  clamd = await movingClamd()
  test = await startFiles({ scanner: clamd, environment: { FILES_QUOTA_BYTES: String(quotaBytes) } })
})
afterAll(async () => {
  await test?.[Symbol.asyncDispose]()
  await clamd?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  tenant = newTenant()
})

async function move(signatures: Record<string, string>): Promise<void> {
  await clamd.move(signatures)
  test.advance(6000)
}

const as = (user: string, request: `${'GET' | 'POST' | 'DELETE'} ${string}`, options: CallOptions = {}) => {
  const [method = '', path = ''] = request.split(' ')
  return test.call({ tenant, role: 'admin', user }, path, { method, ...options })
}
const release = (user: string, id: string, options: CallOptions = {}) =>
  as(user, `POST /api/v1/quarantine/${id}/release`, { json: { reason }, ...options })
const upload = (name: string, content: Buffer | string) => uploader(test, { tenant })(name, content)
const get = async (id: string) => (await as('ada', `GET /api/v1/files/${id}`)).body
const content = (id: string) => as('ada', `GET /api/v1/files/${id}/content`)
const scan = (fileId: string) => runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId })
const rescan = (fileId: string) => runJob(test, fileRescan, { version: 1, tenantId: tenant.id, fileId, requested: true })
const used = async () => (await as('ada', 'GET /api/v1/files/usage')).body.used
const trail = async (action: string) => (await as('ada', `GET /api/v1/files/audit?action=${action}`)).body.items
const own = async (bucket: 'files' | 'quarantine') => (await keysIn(test, bucket)).filter((key) => key.includes(tenant.id))

/** Refused with its upload, so that it has no row. */
async function refused(name = 'alarm.com'): Promise<string> {
  const { status, body } = await upload(name, eicar())
  expect(status).toBe(422)
  return body.quarantineId
}

/** Found by a rescan. */
async function withdrawn(word: string): Promise<string> {
  const { body } = await upload('found.txt', word)
  await move({ Slipway: word })
  expect(await rescan(body.id)).toEqual({ outcome: 'infected' })
  await runJob(test, fileIsolation, { version: 1, tenantId: tenant.id, fileId: body.id })
  return body.id
}

describe('two different admins', () => {
  it('release what was refused with its upload: one asks, the other approves, and the bytes are looked at once more', async () => {
    const id = await refused()
    const asked = await release('ada', id)
    expect(asked).toMatchObject({ status: 202, body: { file: null, quarantine: { release: { requestedBy: 'user:ada', reason } } } })
    expect(asked.headers.get('location')).toBe(`/api/v1/quarantine/${id}`)
    expect(await content(id)).toMatchObject({ status: 404 })

    const approved = await release('bob', id)
    expect(approved).toMatchObject({ status: 202, body: { quarantine: null, file: { id, verdict: 'pending', createdBy: 'user:ada' } } })
    expect(approved.headers.get('location')).toBe(`/api/v1/files/${id}`)
    expect(await content(id)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    expect(await as('ada', `GET /api/v1/quarantine/${id}`)).toMatchObject({ status: 404 })
    expect(await owed(test, fileScan.name)).toContainEqual({ version: 1, tenantId: tenant.id, fileId: id })

    expect(await scan(id)).toEqual({ outcome: 'clean' })
    expect((await content(id)).body.equals(eicar())).toBe(true)
    expect(await get(id)).toMatchObject({
      verdict: 'clean',
      release: { by: 'user:ada', approvedBy: 'user:bob', reason, verdict: 'infected', signature: expect.stringMatching(/Eicar/) },
    })
    expect(await used()).toEqual({ bytes: eicar().length, files: 1 })
    expect([await own('files'), await own('quarantine')]).toEqual([[`${tenant.id}/${id}`], []])
    const actions = ['quarantine.release-requested', 'quarantine.release-approved', 'file.released']
    const records = await Promise.all(actions.map(trail))
    expect(records.map((items) => items.map((item: { actor: { id: string } }) => item.actor.id))).toEqual([['ada'], ['bob'], ['file-scan']])
    expect(await scan(id)).toEqual({ outcome: 'settled' })
  })

  it('release what a rescan has found; the same finding leaves it readable from then on, another one does not', async () => {
    const id = await withdrawn('first-word and second-word')
    expect([(await release('ada', id)).status, (await release('bob', id)).status]).toEqual([202, 202])
    expect(await scan(id)).toEqual({ outcome: 'clean' })
    expect((await get(id)).name).toBe('found.txt')
    await move({ Slipway: 'first-word' })
    expect(await rescan(id)).toEqual({ outcome: 'released' })
    expect((await content(id)).status).toBe(200)
    await move({ Other: 'second-word' })
    expect(await rescan(id)).toEqual({ outcome: 'infected' })
    expect(await content(id)).toMatchObject({ status: 409 })
    expect((await as('ada', `GET /api/v1/quarantine/${id}`)).body).toMatchObject({ signature: 'Other.UNOFFICIAL', release: null })
    expect((await get(id)).release).toBeNull()
    expect(await used()).toEqual({ bytes: 0, files: 0 })
  })

  it('release nothing but what they knew of: another finding at the last look refuses it again', async () => {
    const id = await withdrawn('known-word and unknown-word')
    await release('ada', id)
    await release('bob', id)
    await move({ Other: 'unknown-word' })
    expect(await scan(id)).toEqual({ outcome: 'infected' })
    expect(await content(id)).toMatchObject({ status: 409 })
    expect((await as('ada', `GET /api/v1/quarantine/${id}`)).body).toMatchObject({
      signature: 'Other.UNOFFICIAL',
      uploadedBy: 'user:ada',
    })
    expect([await own('files'), (await own('quarantine')).length, await used()]).toEqual([[], 1, { bytes: 0, files: 0 }])
    expect(await trail('file.released')).toEqual([])
  })

  it('who approve at a time bring it back once', async () => {
    const id = await refused()
    await release('ada', id)
    const answers = await Promise.all(['bob', 'eve', 'mia'].map((user) => release(user, id)))
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['202', '404', '404'])
    expect(await used()).toEqual({ bytes: eicar().length, files: 1 })
    expect(await Promise.all([scan(id), scan(id)])).toContainEqual({ outcome: 'clean' })
    expect(await own('files')).toEqual([`${tenant.id}/${id}`])
  })

  it('find it under a free name, in the root when its folder is gone', async () => {
    const folder = (await as('ada', 'POST /api/v1/folders', { json: { name: 'gone' } })).body
    const { body } = await uploader(test, { tenant })('a.com', eicar(), { fields: { folderId: folder.id } })
    await as('ada', `DELETE /api/v1/folders/${folder.id}`)
    await upload('a.com', 'somebody else')
    await release('ada', body.quarantineId)
    expect(await release('bob', body.quarantineId)).toMatchObject({ body: { file: { name: 'a (2).com', folderId: null } } })
  })
})

describe('one admin is not two', () => {
  it.each([
    ['the same person', 'ada', 'ada'],
    ['a key of the same person', 'ada', `key:${randomUUID()}:ada`],
    ['two keys of the same person', `key:${randomUUID()}:ada`, `key:${randomUUID()}:ada`],
    ['the maker of the key that asked', `key:${randomUUID()}:ada`, 'ada'],
  ])('%s', async (_who, first, second) => {
    const id = await refused()
    expect((await release(first, id)).status).toBe(202)
    expect(await release(second, id)).toMatchObject({ status: 409, body: { code: 'release.same-person' } })
    expect((await as('ada', `GET /api/v1/quarantine/${id}`)).status).toBe(200)
    expect(await used()).toEqual({ bytes: 0, files: 0 })
    expect((await release(`key:${randomUUID()}:bob`, id)).body.file).toMatchObject({ verdict: 'pending' })
  })

  it('members ask for nothing, and nobody for what is of another tenant, without reason, or not there', async () => {
    const id = await refused()
    const path = `/api/v1/quarantine/${id}/release`
    expect(await test.call({ tenant }, path, { method: 'POST', json: { reason } })).toMatchObject({ status: 403 })
    expect(await test.call({ tenant: newTenant(), role: 'admin' }, path, { method: 'POST', json: { reason } })).toMatchObject({
      status: 404,
    })
    for (const json of [{}, { reason: '  ' }, { reason: 'x'.repeat(1001) }, { reason, id }, []]) {
      expect((await release('ada', id, { json })).status).toBe(422)
    }
    expect((await release('ada', randomUUID())).status).toBe(404)
  })
})

describe('a request', () => {
  it('is forgotten after seven days', async () => {
    const id = await refused()
    await release('ada', id)
    test.advance(7 * day - 60_000)
    expect((await as('bob', `GET /api/v1/quarantine/${id}`)).body.release).toMatchObject({ requestedBy: 'user:ada' })
    test.advance(60_000)
    expect((await as('bob', `GET /api/v1/quarantine/${id}`)).body.release).toBeNull()
    expect(await release('bob', id)).toMatchObject({ body: { file: null, quarantine: { release: { requestedBy: 'user:bob' } } } })
    expect(await release('ada', id)).toMatchObject({ body: { file: { release: { by: 'user:bob', approvedBy: 'user:ada' } } } })
  })

  it('can be withdrawn, by whomever and twice', async () => {
    const id = await refused()
    await release('ada', id)
    const withdraw = () => as('bob', `DELETE /api/v1/quarantine/${id}/release`)
    expect([(await withdraw()).status, (await withdraw()).status]).toEqual([204, 204])
    expect(await trail('quarantine.release-withdrawn')).toMatchObject([{ actor: { id: 'bob' }, before: { by: 'user:ada', reason } }])
    expect((await release('bob', id)).body.file).toBeNull()
    expect((await as('bob', `DELETE /api/v1/quarantine/${randomUUID()}/release`)).status).toBe(404)
  })

  it('with an Idempotency-Key that is sent again does not approve itself, nor ask twice', async () => {
    const id = await refused()
    const headers = { 'idempotency-key': 'release-1' }
    expect((await release('ada', id, { headers })).status).toBe(202)
    expect((await release('ada', id, { headers })).status).toBe(202)
    expect(await trail('quarantine.release-requested')).toHaveLength(1)
    expect((await release('bob', id, { headers })).body.file).toMatchObject({ verdict: 'pending' })
    expect((await release('bob', id, { headers })).body.file).toMatchObject({ verdict: 'pending' })
  })
})

describe('nothing is released', () => {
  it('that does not fit into the quota; it can be once there is room', async () => {
    const id = await refused()
    const filler = (await upload('filler', Buffer.alloc(quotaBytes - 10))).body
    await release('ada', id)
    expect(await release('bob', id)).toMatchObject({ status: 413, body: { code: 'quota.exceeded' } })
    expect([await own('files'), (await own('quarantine')).length]).toEqual([[`${tenant.id}/${filler.id}`], 1])
    await as('ada', `DELETE /api/v1/files/${filler.id}?permanent=true`)
    expect((await release('bob', id)).body.file).toMatchObject({ verdict: 'pending' })
  })

  it('whose bytes are lost, or not in quarantine yet', async () => {
    const { body } = await upload('found.txt', 'early-word')
    await move({ Slipway: 'early-word' })
    await rescan(body.id)
    expect(await release('ada', body.id)).toMatchObject({ status: 409, body: { code: 'resource.conflict' } })
    await runJob(test, fileIsolation, { version: 1, tenantId: tenant.id, fileId: body.id })
    expect((await release('ada', body.id)).status).toBe(202)
    const [key = ''] = await own('quarantine')
    await test.storage.remove({ bucket: 'quarantine', key })
    expect(await release('bob', body.id)).toMatchObject({ status: 409 })
    expect(await used()).toEqual({ bytes: 0, files: 0 })
  })

  it('a purge after the approval leaves nothing, and the sweeps keep what is pending', async () => {
    const id = await refused()
    await release('ada', id)
    await release('bob', id)
    test.advance(2 * day)
    await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
    expect(await own('quarantine')).toHaveLength(1)
    expect((await as('ada', `DELETE /api/v1/files/${id}?permanent=true`)).status).toBe(204)
    expect(await scan(id)).toEqual({ outcome: 'gone' })
    expect(await used()).toEqual({ bytes: 0, files: 0 })
  })
})
