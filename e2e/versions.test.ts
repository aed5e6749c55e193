import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { eicar } from './archives.ts'
import { call, expectProblem, expectStatus, type StoredFile, settled, stored, unique, until } from './client.ts'

interface Versioned extends StoredFile {
  revision: number
}

interface Version {
  revision: number
  current: boolean
  verdict: string
  sha256: string
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')
const of = (id: string) => `/api/v1/files/${id}`
const get = (id: string) => expectStatus<Versioned>(call('GET', of(id)), 200)
const put = (id: string, body: string | Buffer, headers: Record<string, string>) => call('PUT', `${of(id)}/content`, { body, headers })
const text = async (path: string) => (await call('GET', path)).text()
const versions = async (id: string) => (await expectStatus<{ items: Version[] }>(call('GET', `${of(id)}/versions`), 200)).items

/** As somebody who has just looked; below FILES_SYNC_BYTES, so that the answer is the verdict. */
async function overwrite(id: string, content: string): Promise<Versioned> {
  return expectStatus<Versioned>(put(id, content, { 'if-match': (await get(id)).etag }), 200)
}

describe('a file that is overwritten', () => {
  test('keeps its id and what it had before; a version comes back without its bytes being sent', async () => {
    const first = await stored('the first', { name: unique('versions.txt') })
    const second = await expectStatus<Versioned>(put(first.id, 'the second', { 'if-match': first.etag }), 200)
    expect(second).toMatchObject({ id: first.id, name: first.name, revision: 2, sha256: sha256('the second'), createdAt: first.createdAt })
    expect(await text(`${of(first.id)}/content`)).toBe('the second')
    expect(await text(`${of(first.id)}/versions/1/content`)).toBe('the first')
    const range = await call('GET', `${of(first.id)}/versions/1/content`, { headers: { range: 'bytes=4-8' } })
    expect([range.status, await range.text()]).toEqual([206, 'first'])
    const restored = await expectStatus<object>(
      call('POST', `${of(first.id)}/versions/1/restore`, { headers: { 'if-match': second.etag } }),
      200,
    )
    expect(restored).toMatchObject({ revision: 3, restoredFrom: 1, sha256: sha256('the first') })
    expect(await text(`${of(first.id)}/content`)).toBe('the first')
    expect((await versions(first.id)).map(({ revision, current }) => [revision, current])).toEqual([
      [3, true],
      [2, false],
    ])
    await expectStatus(call('DELETE', `${of(first.id)}/versions/2`), 204)
    await expectProblem(call('GET', `${of(first.id)}/versions/2`), 404, 'resource.not-found')
    await expectProblem(call('DELETE', `${of(first.id)}/versions/3`), 409, 'resource.conflict')
  })

  test('is overwritten by one of those who have seen the same', async () => {
    const { id, etag } = await stored('the first', { name: unique('versions.txt') })
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => put(id, `writer ${n}`, { 'if-match': etag })))
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', ...Array<string>(7).fill('412')])
    expect(await versions(id)).toHaveLength(2)
    await expectProblem(put(id, 'unseen', {}), 428, 'precondition.required')
  })

  test('is not overwritten by malware', async () => {
    const { id, etag } = await stored('the first', { name: unique('versions.txt') })
    await expectProblem(put(id, eicar(), { 'if-match': etag }), 422, 'file.infected')
    expect(await text(`${of(id)}/content`)).toBe('the first')
    expect(await versions(id)).toHaveLength(1)
  })

  test('happens once for an Idempotency-Key', async () => {
    const { id, etag } = await stored('the first', { name: unique('versions.txt') })
    const headers = { 'if-match': etag, 'idempotency-key': unique('put') }
    const [one, again] = [await put(id, 'the second', headers), await put(id, 'the second', headers)]
    expect(await again.text()).toBe(await one.text())
    expect(await versions(id)).toHaveLength(2)
  })

  test('by many bytes has them when they are clean, and until then what it had', async () => {
    const { id, etag } = await stored('the first', { name: unique('versions.bin') })
    const bytes = randomBytes(3_000_000)
    const answer = await put(id, bytes, { 'if-match': etag })
    expect([200, 202]).toContain(answer.status)
    await answer.body?.cancel()
    await until(async () => ((await get(id)).revision === 2 ? true : undefined))
    expect(await settled(id)).toMatchObject({ sha256: sha256(bytes), verdict: 'clean' })
  })

  test('goes with all versions when it is purged', async () => {
    const { id } = await stored('the first', { name: unique('versions.txt') })
    await overwrite(id, 'the second')
    await expectStatus(call('DELETE', `${of(id)}?permanent=true`), 204)
    await expectProblem(call('GET', `${of(id)}/versions/1/content`), 404, 'resource.not-found')
  })
})

describe('the rules of a tenant', () => {
  test('are read, and changed only by who has read them', async () => {
    const path = '/api/v1/files/retention'
    const rules = await expectStatus<{ own: object; effective: object; etag: string }>(call('GET', path), 200)
    expect(rules.effective).toMatchObject({ versions: { kept: expect.any(Number) }, trash: { days: expect.any(Number) } })
    await expectProblem(call('PUT', path, { json: rules.own }), 428, 'precondition.required')
    await expectProblem(call('PUT', path, { json: rules.own, headers: { 'if-match': '"none"' } }), 412, 'precondition.failed')
    const same = await expectStatus<{ own: object }>(call('PUT', path, { json: rules.own, headers: { 'if-match': rules.etag } }), 200)
    expect(same.own).toEqual(rules.own)
    const huge = { versions: { kept: 1_000_000, days: null }, trash: { days: null } }
    await expectProblem(call('PUT', path, { json: huge, headers: { 'if-match': '*' } }), 422, 'request.invalid')
  })
})
