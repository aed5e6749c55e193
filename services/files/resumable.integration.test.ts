import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FilesTest, keysIn, newTenant, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { digest, metadataOf, offsetOf, path, settledFile, tus } from './resumable.fixtures.ts'

const mebibyte = 1_048_576
let test: FilesTest
let tenant: Tenant
beforeAll(async () => {
  test = await startFiles({ environment: { FILES_QUOTA_BYTES: String(40 * mebibyte), FILES_QUOTA_FILES: '20' } })
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
})

const client = () => tus(test, { tenant })
const used = async () => (await test.call({ tenant }, '/api/v1/files/usage')).body.used
const content = (id: string) => test.call({ tenant }, `/api/v1/files/${id}/content`)
const ofTenant = async () => (await keysIn(test, 'quarantine')).filter((key) => key.startsWith(tenant.id))

describe('an upload in several requests', () => {
  it('becomes a file whose bytes are those that were sent', async () => {
    const bytes = randomBytes(8.5 * mebibyte)
    const place = await client().begin(bytes.length, { filename: 'film.bin' })
    expect(place).toMatch(/^\/api\/v1\/files\/resumable\/[\w-]{32}$/)
    let answer = await client().patch(place, 0, bytes.subarray(0, 3 * mebibyte))
    expect([answer.status, offsetOf(answer), answer.headers.get('tus-resumable')]).toEqual([204, 3 * mebibyte, '1.0.0'])
    expect(answer.headers.get('slipway-file')).toBeNull()
    answer = await client().patch(place, 3 * mebibyte, bytes.subarray(3 * mebibyte))
    expect([answer.status, offsetOf(answer)]).toEqual([204, bytes.length])
    const file = await settledFile(test, tenant, answer)
    expect(file).toMatchObject({ name: 'film.bin', verdict: 'clean', size: bytes.length, sha256: digest(bytes), createdBy: 'user:ada' })
    expect((await content(file.id)).body.equals(bytes)).toBe(true)
    const head = await client().head(place)
    expect([head.status, offsetOf(head), head.headers.get('slipway-file')]).toEqual([200, bytes.length, `/api/v1/files/${file.id}`])
    expect(await used()).toEqual({ bytes: bytes.length, files: 1 })
    expect(await ofTenant()).toEqual([])
  })
})
