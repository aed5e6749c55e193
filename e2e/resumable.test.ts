import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { eicar } from './archives.ts'
import { call, expectProblem, expectStatus, here, settled, unique } from './client.ts'
import { raw } from './raw.ts'

const path = '/api/v1/files/resumable'
const tus = { 'tus-resumable': '1.0.0' }
const octets = { ...tus, 'content-type': 'application/offset+octet-stream' }

async function begin(length: number, name = unique('resumable.bin')): Promise<string> {
  const headers = { ...tus, 'upload-length': String(length), 'upload-metadata': `filename ${Buffer.from(name).toString('base64')}` }
  const response = await call('POST', path, { headers })
  await expectStatus(response, 201)
  expect(new Date(response.headers.get('upload-expires') ?? '').getTime()).toBeGreaterThan(Date.now())
  return response.headers.get('location') ?? ''
}

const patch = (place: string, offset: number, body: Buffer) =>
  call('PATCH', place, { body, headers: { ...octets, 'upload-offset': String(offset) } })
const offsetOf = (response: Response) => Number(response.headers.get('upload-offset'))
const fileOf = (response: Response) => (response.headers.get('slipway-file') ?? '').split('/').at(-1) ?? ''

describe('a resumable upload', () => {
  test('is what was sent, in several requests, and is readable after its verdict', async () => {
    const bytes = randomBytes(300_000)
    const place = await begin(bytes.length)
    expect(offsetOf(await patch(place, 0, bytes.subarray(0, 100_000)))).toBe(100_000)
    const head = await call('HEAD', place, { headers: tus })
    expect([head.status, offsetOf(head), head.headers.get('cache-control')]).toEqual([200, 100_000, 'no-store'])
    const last = await patch(place, 100_000, bytes.subarray(100_000))
    expect([last.status, offsetOf(last)]).toEqual([204, bytes.length])
    const file = await settled(fileOf(last))
    expect(file).toMatchObject({ verdict: 'clean', sha256: createHash('sha256').update(bytes).digest('hex') })
    const content = await call('GET', `/api/v1/files/${file.id}/content`)
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true)
  })

  test('keeps what came before its connection broke', async () => {
    const bytes = randomBytes(200_000)
    const place = await begin(bytes.length)
    const broken = raw('PATCH', place, { ...octets, 'upload-offset': '0', 'content-length': String(bytes.length) })
    broken.answer.catch(() => undefined)
    broken.write(bytes.subarray(0, 150_000))
    const offsets: number[] = []
    // The question makes the request that hangs let go. Where it was asked before that one had come to its replica, a client is told to ask again.
    const goOn = async (): Promise<Response> => {
      const offset = offsetOf(await call('HEAD', place, { headers: tus }))
      offsets.push(offset)
      broken.destroy()
      const answer = await patch(place, offset, bytes.subarray(offset))
      return [409, 423].includes(answer.status) && offsets.length < 10 ? await goOn() : answer
    }
    const last = await goOn()
    expect(Math.max(...offsets)).toBeLessThanOrEqual(150_000)
    expect(last.status).toBe(204)
    expect(await settled(fileOf(last))).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex') })
  })

  test('of malware in harmless pieces is refused', async () => {
    const virus = eicar()
    const place = await begin(virus.length)
    await patch(place, 0, virus.subarray(0, 20))
    const file = await settled(fileOf(await patch(place, 20, virus.subarray(20))))
    expect(file.verdict).toBe('infected')
    await expectProblem(call('GET', `/api/v1/files/${file.id}/content`), 409, 'file.not-readable')
  })

  test('says what is wrong as every route does', async () => {
    const place = await begin(10)
    await expectProblem(
      call('PATCH', place, { body: Buffer.alloc(5), headers: { ...octets, 'upload-offset': '3' } }),
      409,
      'upload.offset-mismatch',
    )
    await expectProblem(call('PATCH', place, { body: Buffer.alloc(5), headers: { ...tus, 'upload-offset': '0' } }), 415)
    await expectProblem(call('GET', place, {}), 412, 'upload.version-unsupported')
    await expectProblem(call('GET', place, { as: null, headers: tus }), 401)
    await expectStatus(call('DELETE', place, { headers: tus }), 204)
    await expectProblem(call('GET', place, { headers: tus }), 404)
  })

  test('tells a browser what is served before there are credentials', async () => {
    const response = await fetch(new URL(path, here.url), { method: 'OPTIONS' })
    expect([response.status, response.headers.get('tus-version')]).toEqual([204, '1.0.0'])
  })
})
