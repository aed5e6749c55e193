import { createHash, randomBytes } from 'node:crypto'
import { eicar } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FilesTest, keysIn, newTenant, startFiles, type Tenant } from './files.fixtures.ts'
import { expectOrder, versionsOf } from './versions.fixtures.ts'

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')
const nobody = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11'

let test: FilesTest
let tenant: Tenant
let ada: ReturnType<typeof versionsOf>
beforeAll(async () => {
  test = await startFiles({ environment: { FILES_MAX_BYTES: '100000', FILES_QUOTA_BYTES: '300000' } })
})
afterAll(() => test?.[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
  ada = versionsOf(test, tenant)
})

const own = async (bucket: 'files' | 'quarantine') => (await keysIn(test, bucket)).filter((key) => key.includes(tenant.id))
const admin = (path: string) => test.call({ tenant, role: 'admin', user: 'root' }, path)

describe('overwriting', () => {
  it('gives the file new content under its own id, and keeps the old one as a version', async () => {
    const before = await ada.upload('a.txt', 'first')
    const answer = await ada.put(before.id, 'the second', { 'if-match': before.etag, 'content-type': 'image/png' })
    expect(answer.status).toBe(200)
    const file = answer.body
    expect(file).toMatchObject({
      id: before.id,
      name: 'a.txt',
      folderId: null,
      revision: 2,
      verdict: 'clean',
      createdBy: 'user:ada',
      createdAt: before.createdAt,
      size: 10,
      sha256: sha256('the second'),
      contentType: 'text/plain',
    })
    expect(file.etag).not.toBe(before.etag)
    expect(answer.headers.get('etag')).toBe(file.etag)
    expect(await ada.get(before.id)).toEqual(file)
    expect(await ada.text(before.id)).toBe('the second')
    expect((await ada.content(before.id, 1)).body.toString()).toBe('first')
    expect((await ada.content(before.id, 2)).body.toString()).toBe('the second')
    expect(await ada.used()).toEqual({ bytes: 15, files: 1 })
    expect(await own('files')).toHaveLength(2)
    expect(await own('quarantine')).toEqual([])
    expect((await ada.call('/api/v1/files')).body.items).toEqual([file])
    await expectOrder(test, tenant)
  })

  it('says who wrote what and when; who made the file stays', async () => {
    const { id } = await ada.upload('a.txt', 'first')
    const bob = versionsOf(test, tenant, 'bob')
    expect((await bob.overwrite(id, 'second')).body).toMatchObject({ createdBy: 'user:ada' })
    const { items } = (await ada.call(`/api/v1/files/${id}/versions`)).body
    expect(items).toMatchObject([
      { revision: 2, current: true, by: 'user:bob', size: 6, sha256: sha256('second'), supersededAt: null, verdict: 'clean' },
      { revision: 1, current: false, by: 'user:ada', size: 5, sha256: sha256('first'), verdict: 'clean' },
    ])
    expect(items[1].supersededAt).toBe(items[0].at)
    expect(items[0].scan).toEqual((await ada.get(id)).scan)
    const trail = (await admin('/api/v1/files/audit?action=file.overwritten')).body.items
    expect(trail).toMatchObject([{ subject: { type: 'file', id }, actor: { id: 'bob' }, before: { revision: 1 }, after: { revision: 2 } }])
  })

  it('with the same bytes makes a version all the same', async () => {
    const { id } = await ada.upload('a.txt', 'same')
    expect((await ada.overwrite(id, 'same')).body).toMatchObject({ revision: 2 })
    expect(await ada.list(id)).toHaveLength(2)
    expect(await ada.used()).toEqual({ bytes: 8, files: 1 })
    await expectOrder(test, tenant)
  })

  it('takes no bytes at all, and gives them back', async () => {
    const { id } = await ada.upload('a.txt', 'something')
    expect((await ada.overwrite(id, '')).body).toMatchObject({ size: 0, revision: 2 })
    expect(await ada.text(id)).toBe('')
    expect((await ada.overwrite(id, 'again')).body).toMatchObject({ size: 5, revision: 3 })
    await expectOrder(test, tenant)
  })

  it('is refused before the body is read where that can be known', async () => {
    const { id, etag } = await ada.upload('a.txt', 'first')
    const refusal = async (answer: Promise<{ status: number; body: { code: string } }>) => {
      const { status, body } = await answer
      return [status, body.code]
    }
    expect(await refusal(ada.put(id, 'x'))).toEqual([428, 'precondition.required'])
    expect(await refusal(ada.put(id, 'x', { 'if-match': '"99"' }))).toEqual([412, 'precondition.failed'])
    expect(await refusal(ada.put(nobody, 'x', { 'if-match': etag }))).toEqual([404, 'resource.not-found'])
    expect(await refusal(ada.put(id, randomBytes(100_001), { 'if-match': etag }))).toEqual([413, 'file.too-large'])
    await ada.remove(id)
    expect(await refusal(ada.overwrite(id, 'x'))).toEqual([409, 'resource.conflict'])
    expect(await own('quarantine')).toEqual([])
    expect(await ada.used()).toEqual({ bytes: 5, files: 1 })
  })

  it('is not for viewers, nor for other tenants', async () => {
    const { id, etag } = await ada.upload('a.txt', 'first')
    const put = { method: 'PUT', body: 'x', headers: { 'if-match': etag } }
    expect((await test.call({ tenant, role: 'viewer' }, `/api/v1/files/${id}/content`, put)).status).toBe(403)
    const stranger = versionsOf(test, newTenant())
    const answers = await Promise.all([
      stranger.put(id, 'x', { 'if-match': etag }),
      stranger.version(id, 1),
      stranger.content(id, 1),
      stranger.restore(id, 1),
      stranger.purge(id, 1),
      stranger.call(`/api/v1/files/${id}/versions`),
    ])
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404])
  })

  it('with an Idempotency-Key happens once, and another body under that key is refused', async () => {
    const { id, etag } = await ada.upload('a.txt', 'first')
    const headers = { 'if-match': etag, 'idempotency-key': 'put-1' }
    const first = await ada.put(id, 'second', headers)
    const again = await ada.put(id, 'second', headers)
    expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([200, first.body, 'true'])
    expect((await ada.put(id, 'third!', headers)).body.code).toBe('idempotency.key-reused')
    expect(await ada.list(id)).toHaveLength(2)
    await expectOrder(test, tenant)
  })

  it('beyond the quota leaves nothing behind', async () => {
    const { id } = await ada.upload('a.bin', randomBytes(90_000))
    for (let n = 0; n < 2; n++) expect((await ada.overwrite(id, randomBytes(90_000))).status).toBe(200)
    const answer = await ada.overwrite(id, randomBytes(90_000))
    expect([answer.status, answer.body.code]).toEqual([413, 'quota.exceeded'])
    // Without a length the bytes themselves tell.
    const { etag } = await ada.get(id)
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(randomBytes(10_000))
      },
    })
    const unknown = await fetch(`${test.url}/api/v1/files/${id}/content`, {
      method: 'PUT',
      body: stream,
      duplex: 'half',
      headers: { authorization: `Bearer ${[tenant.id, tenant.slug, 'member', 'ada', '*'].join('/')}`, 'if-match': etag },
    })
    expect([unknown.status, ((await unknown.json()) as { code: string }).code]).toEqual([413, 'quota.exceeded'])
    expect(await ada.used()).toEqual({ bytes: 270_000, files: 1 })
    expect(await own('quarantine')).toEqual([])
    await expectOrder(test, tenant)
  })

  it('with malware is refused, and the file keeps what it had', async () => {
    const { id } = await ada.upload('a.txt', 'first')
    const before = await ada.get(id)
    const answer = await ada.overwrite(id, eicar())
    expect([answer.status, answer.body.code]).toEqual([422, 'file.infected'])
    expect(await ada.get(id)).toEqual(before)
    expect(await ada.text(id)).toBe('first')
    expect(await ada.list(id)).toHaveLength(1)
    expect((await admin(`/api/v1/quarantine/${answer.body.quarantineId}`)).body).toMatchObject({ name: 'a.txt', uploadedBy: 'user:ada' })
    expect(await ada.used()).toEqual({ bytes: 5, files: 1 })
    await expectOrder(test, tenant)
  })
})

describe('versions', () => {
  const many = async (count: number) => {
    const { id } = await ada.upload('a.txt', 'content 1')
    for (let n = 2; n <= count; n++) await ada.overwrite(id, `content ${n}`)
    return id as string
  }

  it('are listed newest first, page by page, the current one among them', async () => {
    const id = await many(7)
    const seen: number[] = []
    for (let cursor = ''; ; ) {
      const { items, nextCursor } = (await ada.call(`/api/v1/files/${id}/versions?limit=3${cursor}`)).body
      seen.push(...items.map((item: { revision: number }) => item.revision))
      if (nextCursor === null) break
      cursor = `&cursor=${nextCursor}`
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1])
    expect((await ada.list(id)).map(({ current }) => current)).toEqual([true, false, false, false, false, false, false])
  })

  it.each([2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, 1.5, '1', null])(
    'are not listed from a cursor that somebody made up: %s',
    async (revision) => {
      const id = await many(1)
      const cursor = Buffer.from(JSON.stringify({ revision })).toString('base64url')
      const answer = await ada.call(`/api/v1/files/${id}/versions?cursor=${cursor}`)
      expect([answer.status, answer.body.code]).toEqual([400, 'request.parameters-invalid'])
    },
  )

  it('are no files: no id of one is found, no name is held, no folder is kept', async () => {
    const id = await many(3)
    const { rows } = await test.system.pool.query<{ id: string }>('select id from files where head_id = $1', [id])
    expect(rows).toHaveLength(2)
    for (const { id: version } of rows) {
      const etag = { 'if-match': '*' }
      const answers = await Promise.all([
        ada.call(`/api/v1/files/${version}`),
        ada.call(`/api/v1/files/${version}/content`),
        ada.put(version, 'x', etag),
        ada.remove(version),
        ada.remove(version, '?permanent=true'),
        ada.call(`/api/v1/files/${version}/versions`),
        ada.call(`/api/v1/files/${version}/rescan`, { method: 'POST' }),
        ada.call(`/api/v1/files/${version}/restore`, { method: 'POST' }),
        ada.call(`/api/v1/files/${version}`, { method: 'PATCH', json: { name: 'b' } }),
      ])
      expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(404))
    }
    await ada.call(`/api/v1/files/${id}`, { method: 'PATCH', json: { name: 'other.txt' } })
    expect(await ada.upload('a.txt', 'x')).toMatchObject({ name: 'a.txt' })
    expect((await ada.call('/api/v1/files?folderId=root')).body.items).toHaveLength(2)
    await expectOrder(test, tenant)
  })

  it('have content with ranges and conditions, under the name that the file has now', async () => {
    const id = await many(2)
    await ada.call(`/api/v1/files/${id}`, { method: 'PATCH', json: { name: 'renamed.txt' } })
    const whole = await ada.content(id, 1)
    const etag = whole.headers.get('etag') ?? ''
    expect([whole.status, etag, whole.headers.get('content-disposition')]).toEqual([
      200,
      `"${sha256('content 1')}"`,
      'attachment; filename="renamed.txt"',
    ])
    const part = await ada.content(id, 1, { headers: { range: 'bytes=0-3' } })
    expect([part.status, part.body.toString(), part.headers.get('content-range')]).toEqual([206, 'cont', 'bytes 0-3/9'])
    expect((await ada.content(id, 1, { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await ada.content(id, 1, { headers: { 'if-match': '"other"' } })).status).toBe(412)
    expect((await ada.content(id, 1, { headers: { range: 'bytes=99-' } })).status).toBe(416)
    const head = await ada.content(id, 1, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '9'])
    // A range of what the file was is none of what it is.
    const stale = await ada.call(`/api/v1/files/${id}/content`, { headers: { range: 'bytes=0-3', 'if-range': etag } })
    expect([stale.status, stale.body.toString()]).toEqual([200, 'content 2'])
  })

  it.each(['0', '-1', 'x', '99999999999', '3'])('number %s is not there', async (revision) => {
    const id = await many(2)
    const { status } = await ada.call(`/api/v1/files/${id}/versions/${revision}`)
    expect(status).toBe(revision === '3' ? 404 : 400)
  })

  it('come back as a new revision, without a byte copied or counted', async () => {
    const id = await many(3)
    const [objects, used, before] = [await own('files'), await ada.used(), await ada.get(id)]
    const answer = await ada.restore(id, 1, { 'if-match': before.etag })
    expect([answer.status, answer.body.revision, answer.body.restoredFrom, answer.headers.get('etag')]).toEqual([
      200,
      4,
      1,
      answer.body.etag,
    ])
    expect(answer.body).toMatchObject({ id, name: 'a.txt', sha256: sha256('content 1') })
    expect(await ada.text(id)).toBe('content 1')
    expect((await ada.list(id)).map(({ revision, current }) => [revision, current])).toEqual([
      [4, true],
      [3, false],
      [2, false],
    ])
    expect((await ada.content(id, 3)).body.toString()).toBe('content 3')
    expect((await ada.version(id, 1)).status).toBe(404)
    expect([await own('files'), await ada.used()]).toEqual([objects, used])
    expect((await ada.restore(id, 2, { 'if-match': before.etag })).status).toBe(412)
    expect((await ada.restore(id, 4)).body.code).toBe('resource.conflict')
    expect((await ada.overwrite(id, 'five')).body.revision).toBe(5)
    const trail = (await admin('/api/v1/files/audit?action=file.version-restored')).body.items
    expect(trail).toMatchObject([{ subject: { id }, before: { revision: 3 }, after: { revision: 4, restoredFrom: 1 } }])
    await expectOrder(test, tenant)
  })

  it('are purged by whoever brought them and by admins, never the current one', async () => {
    const id = await many(2)
    const bob = versionsOf(test, tenant, 'bob')
    await bob.overwrite(id, 'content 3')
    expect((await bob.purge(id, 1)).body.code).toBe('auth.forbidden')
    expect((await ada.purge(id, 3)).body.code).toBe('resource.conflict')
    expect((await ada.purge(id, 1)).status).toBe(204)
    expect((await ada.purge(id, 1)).status).toBe(404)
    const byAdmin = await test.call({ tenant, role: 'admin', user: 'root' }, `/api/v1/files/${id}/versions/2`, { method: 'DELETE' })
    expect(byAdmin.status).toBe(204)
    expect(await ada.text(id)).toBe('content 3')
    expect(await ada.used()).toEqual({ bytes: 9, files: 1 })
    const trail = (await admin('/api/v1/files/audit?action=file.version-purged')).body.items
    expect(trail).toMatchObject([{ before: { revision: 2 }, after: { reason: 'requested' } }, { before: { revision: 1 } }])
    await expectOrder(test, tenant)
    expect(await own('files')).toHaveLength(1)
  })

  it('go to the trash with their file, count there, come back with it, and are purged with it', async () => {
    const id = await many(3)
    await ada.upload('other', 'kept')
    await ada.remove(id)
    expect(await ada.trash()).toEqual({ bytes: 27, files: 1 })
    expect((await ada.content(id, 1)).status).toBe(404)
    expect((await ada.restore(id, 1)).body.code).toBe('resource.conflict')
    expect(await ada.list(id)).toHaveLength(3)
    await ada.call(`/api/v1/files/${id}/restore`, { method: 'POST' })
    expect(await ada.trash()).toEqual({ bytes: 0, files: 0 })
    expect((await ada.content(id, 1)).body.toString()).toBe('content 1')
    expect((await ada.remove(id, '?permanent=true')).status).toBe(204)
    expect(await ada.used()).toEqual({ bytes: 4, files: 1 })
    expect((await ada.call(`/api/v1/files/${id}/versions`)).status).toBe(404)
    expect((await admin('/api/v1/files/audit?action=file.purged')).body.items).toMatchObject([{ before: { versions: 2 } }])
    await expectOrder(test, tenant)
    expect(await own('files')).toHaveLength(1)
  })

  it('survive their folder', async () => {
    const folder = (await ada.call('/api/v1/folders', { method: 'POST', json: { name: 'f' } })).body
    const id = await many(2)
    await ada.call(`/api/v1/files/${id}`, { method: 'PATCH', json: { folderId: folder.id } })
    expect((await ada.call(`/api/v1/folders/${folder.id}`, { method: 'DELETE' })).status).toBe(409)
    expect((await ada.call(`/api/v1/folders/${folder.id}?recursive=true`, { method: 'DELETE' })).status).toBe(204)
    await ada.call(`/api/v1/files/${id}/restore`, { method: 'POST' })
    expect((await ada.content(id, 1)).body.toString()).toBe('content 1')
    await expectOrder(test, tenant)
  })
})
