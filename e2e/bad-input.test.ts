import { describe, expect, test } from 'vitest'
import { call, expectProblem, expectStatus, type Problem, type StoredFile, stored, unique, upload } from './client.ts'
import { largestFile } from './limits.ts'
import { form, multipartType, raw } from './raw.ts'

const unknownId = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9bff'

function pointers(problem: Problem): string[] {
  return (problem.errors ?? []).map((error) => error.pointer)
}

describe('a file that is too large', () => {
  test('is refused at once when it says so itself', async () => {
    expect(await largestFile()).toBeGreaterThan(0)
  })

  test('is refused as soon as it crosses the limit, although it never said how large it is', async ({ skip }) => {
    const limit = await largestFile()
    skip(limit > 256 * 1024 * 1024, 'the limit of this installation is too high to try')
    const request = raw('POST', '/api/v1/files', { 'content-type': multipartType, 'transfer-encoding': 'chunked' })
    const answered = new AbortController()
    void request.answer.finally(() => answered.abort()).catch(() => undefined)
    request.write(form([{ name: 'file', filename: unique('endless.bin'), content: '' }], { closed: false }))
    const chunk = Buffer.alloc(256 * 1024, 'x')
    const rounds = Math.ceil((limit * 4) / chunk.length)
    for (let round = 0; round < rounds && !answered.signal.aborted; round++) {
      request.write(chunk)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { status, body } = await request.answer
    request.destroy()
    expect(status).toBe(413)
    expect(JSON.parse(body)).toMatchObject({ code: 'file.too-large', limit })
  })
})

describe('names', () => {
  test.each([
    ['a path upwards', '../../etc/passwd'],
    ['a path', 'a/b.txt'],
    ['a backslash', 'a\\b.txt'],
    ['only dots', '..'],
    ['a control character', 'a\u0007b.txt'],
    ['a line break', 'a\nb.txt'],
    ['a right-to-left override', 'photo\u202egpj.exe'],
    ['a reserved device', 'CON.txt'],
    ['4 kB', `${'x'.repeat(4000)}.txt`],
    ['nothing', ' '],
  ])('with %s are refused on rename, with the pointer', async (_what, name) => {
    const file = await stored('x')
    const problem = await expectProblem(call('PATCH', `/api/v1/files/${file.id}`, { json: { name } }), 422, 'request.invalid')
    expect(pointers(problem)).toEqual(['/body/name'])
  })

  test('with NUL are refused', async () => {
    const file = await stored('x')
    const problem = await expectProblem(call('PATCH', `/api/v1/files/${file.id}`, { json: { name: 'a\0b' } }), 400, 'request.malformed')
    expect(pointers(problem)).toEqual(['/body/name'])
  })

  test.each([
    ['a path upwards', '../../etc/passwd'],
    ['a right-to-left override', 'photo\u202egpj.exe'],
    ['4 kB', `${'x'.repeat(4000)}.txt`],
  ])('with %s in an upload never become the name of a file as they are', async (_what, name) => {
    const response = await upload('x', { name })
    if (response.status === 201) {
      const file = await expectStatus<StoredFile>(response, 201)
      expect(file.name).not.toBe(name)
      expect(file.name).not.toMatch(/[/\\\u202e]/)
    } else await expectProblem(response, 422, 'request.invalid')
  })

  test('are normalised: no blanks around them, no dots at their end, composed characters', async () => {
    const start = unique('Cafe')
    expect((await stored('x', { fields: { name: `  ${start}\u0301.txt. ` } })).name).toBe(`${start.slice(0, -1)}é.txt`)
  })
})

describe('forms', () => {
  const send = (body: Buffer, type = multipartType) => call('POST', '/api/v1/files', { body, headers: { 'content-type': type } })

  test.each<[what: string, body: Buffer, type: string, expected: [status: number, pointer: string]]>([
    ['a wrong field for the file', form([{ name: 'upload', filename: 'a.txt', content: 'x' }]), multipartType, [422, '/body/upload']],
    [
      'two files',
      form([
        { name: 'file', filename: 'a.txt', content: 'x' },
        { name: 'file', filename: 'b.txt', content: 'y' },
      ]),
      multipartType,
      [422, '/body/file'],
    ],
    ['no file', form([{ name: 'onConflict', content: 'rename' }]), multipartType, [422, '/body/file']],
    [
      'a field of no meaning',
      form([
        { name: 'colour', content: 'red' },
        { name: 'file', filename: 'a.txt', content: 'x' },
      ]),
      multipartType,
      [422, '/body/colour'],
    ],
    [
      'a folder that is no id',
      form([
        { name: 'folderId', content: 'top' },
        { name: 'file', filename: 'a.txt', content: 'x' },
      ]),
      multipartType,
      [422, '/body/folderId'],
    ],
    ['no boundary', form([{ name: 'file', filename: 'a.txt', content: 'x' }]), 'multipart/form-data', [400, '/headers/content-type']],
    ['another content type', Buffer.from('{}'), 'application/json', [415, '/headers/content-type']],
    ['an end that is missing', form([{ name: 'file', filename: 'a.txt', content: 'x' }], { closed: false }), multipartType, [400, '/body']],
    ['no form at all', Buffer.from('not a form'), multipartType, [400, '/body']],
  ])('with %s are refused with a pointer', async (...[, body, type, [status, pointer]]) => {
    expect(pointers(await expectProblem(send(body, type), status))).toEqual([pointer])
  })

  test('with a folder that does not exist are refused before the file is read', async () => {
    const problem = await expectProblem(upload('x', { fields: { folderId: unknownId } }), 422, 'request.invalid')
    expect(pointers(problem)).toEqual(['/body/folderId'])
  })
})

describe('JSON', () => {
  const send = (body: string, type = 'application/json') => call('POST', '/api/v1/folders', { body, headers: { 'content-type': type } })

  test('that is none', async () => {
    expect(pointers(await expectProblem(send('{"name":'), 400, 'request.malformed'))).toEqual(['/body'])
  })

  test('of another content type', async () => {
    await expectProblem(send('name=a', 'application/x-www-form-urlencoded'), 415, 'request.unsupported-media-type')
  })

  test('that is ten thousand levels deep', async () => {
    const problem = await expectProblem(send(`${'['.repeat(10_000)}${']'.repeat(10_000)}`), 400)
    expect(pointers(problem)).toEqual(['/body'])
  })

  test('with unknown and wrong fields: each is named', async () => {
    const problem = await expectProblem(send(JSON.stringify({ name: 7, colour: 'red' })), 422, 'request.invalid')
    expect(pointers(problem).toSorted()).toEqual(['/body/colour', '/body/name'])
  })

  test('that tries to reach the prototype of objects', async () => {
    expect((await send('{"name":"x","__proto__":{"admin":true}}')).status).toBeGreaterThanOrEqual(400)
  })
})

describe('queries', () => {
  test.each([
    ['colour=red', '/query/colour'],
    ['limit=0', '/query/limit'],
    ['limit=ten', '/query/limit'],
    ['cursor=not-a-cursor', '/query/cursor'],
    ['folderId=top', '/query/folderId'],
    ['sort=colour', '/query/sort'],
    ['limit=1&limit=2', '/query/limit'],
  ])('?%s: 400 with the pointer', async (query, pointer) => {
    expect(pointers(await expectProblem(call('GET', `/api/v1/files?${query}`), 400))).toEqual([pointer])
  })
})

describe('paths', () => {
  test('an id that is none', async () => {
    const answer = await call('GET', '/api/v1/files/not-an-id')
    expect([400, 404]).toContain(answer.status)
    await expectProblem(answer, answer.status)
  })

  test('an id that nobody has', async () => {
    await expectProblem(call('GET', `/api/v1/files/${unknownId}`), 404, 'resource.not-found')
  })

  test('no route', async () => {
    await expectProblem(call('GET', '/api/v1/nothing'), 404, 'route.not-found')
    await expectProblem(call('GET', '/api/v1/files/a/b/c'), 404, 'route.not-found')
  })

  test('a method that the route has not', async () => {
    const answer = await call('PUT', '/api/v1/folders')
    expect(answer.headers.get('allow')).toContain('POST')
    await expectProblem(answer, 405, 'route.method-not-allowed')
  })

  test('internal routes are nobody’s business', async () => {
    await expectProblem(call('GET', '/internal/v1/jwks'), 404, 'route.not-found')
    await expectProblem(call('POST', '/internal/v1/operators', { json: { email: 'x@example.com' } }), 404, 'route.not-found')
  })
})

test('a key for repetitions that is no key', async () => {
  await expectProblem(
    call('POST', '/api/v1/folders', { json: { name: unique('f') }, headers: { 'idempotency-key': 'x'.repeat(300) } }),
    400,
    'idempotency.key-invalid',
  )
})
