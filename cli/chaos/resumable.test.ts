import { expect, test } from 'vitest'
import { answer, breakOff, scripted } from './client.fixtures.ts'
import { cleanContent } from './content.ts'
import { uploadInPieces } from './resumable.ts'

const content = cleanContent(300)
const place = '/api/v1/files/resumable/u1'
const begun = answer(201, {}, { location: place })
const taken = (offset: number) => answer(204, {}, { 'upload-offset': String(offset) })
const at = (offset: number, fileId: string | null = null) => answer(200, { offset, fileId })
const busy = answer(423, { code: 'upload.locked' })

/** Offsets of the PATCHes, and their bytes put together. */
function sent(asked: { method: string; headers: Record<string, unknown>; body: Buffer }[]) {
  const patches = asked.filter(({ method }) => method === 'PATCH')
  return { offsets: patches.map(({ headers }) => Number(headers['upload-offset'])), bytes: Buffer.concat(patches.map(({ body }) => body)) }
}

test('content goes in three pieces, and is pending then', async () => {
  await using api = await scripted(begun, taken(100), at(100), taken(200), at(200), taken(300), at(300, 'f1'))
  await uploadInPieces(api.client, content, 'the-name')
  expect(api.asked[0]?.headers).toMatchObject({
    'upload-length': '300',
    'upload-metadata': `filename ${Buffer.from('the-name').toString('base64')}`,
    'tus-resumable': '1.0.0',
    'idempotency-key': 'the-name',
  })
  expect(sent(api.asked)).toEqual({ offsets: [0, 100, 200], bytes: content.bytes })
  expect(api.ledger.entries).toMatchObject([{ state: 'pending', id: 'f1', sha256: content.sha256 }])
  expect(api.rules()).toEqual([])
})

test('after a failure it goes on where the platform is, not where it was itself', async () => {
  const wrong = answer(409, { code: 'upload.offset-mismatch' })
  await using api = await scripted(begun, breakOff, wrong, at(60), taken(160), at(160), taken(260), at(260), taken(300), at(300, 'f1'))
  api.state.mayBreak = true
  await uploadInPieces(api.client, content)
  expect(sent(api.asked).offsets).toEqual([0, 0, 60, 160, 260])
  expect(api.ledger.entries).toMatchObject([{ state: 'pending', id: 'f1' }])
  expect(api.rules()).toEqual([])
})

test('an upload that does not get on is not tried again at once', async () => {
  let stuckUntil = Number.POSITIVE_INFINITY
  await using api = await scripted((response, asked) => {
    if (asked.method === 'POST') return begun(response, asked)
    if (asked.method === 'GET') stuckUntil = Math.min(stuckUntil, performance.now() + 300)
    const isStuck = performance.now() < stuckUntil
    if (asked.method === 'GET') return (isStuck ? at(0) : at(300, 'f1'))(response, asked)
    return (isStuck ? answer(409, { code: 'upload.offset-mismatch' }) : taken(300))(response, asked)
  })
  await uploadInPieces(api.client, content)
  expect(sent(api.asked).offsets).toEqual([0, 0])
  expect(api.rules()).toEqual([])
})

test('while another request holds the upload it waits', async () => {
  await using api = await scripted(begun, busy, busy, at(100), taken(200), at(200), taken(300), at(300, 'f1'))
  await uploadInPieces(api.client, content)
  expect(sent(api.asked).offsets).toEqual([0, 100, 200])
  expect(api.rules()).toEqual([])
})

test('the answer to the last piece may be lost', async () => {
  await using api = await scripted(begun, breakOff, answer(409), at(300, 'f1'))
  api.state.mayBreak = true
  await uploadInPieces(api.client, content)
  expect(api.ledger.entries).toMatchObject([{ state: 'pending', id: 'f1' }])
})

test.each([
  ['begun', [answer(403)]],
  ['gone on with', [begun, answer(404)]],
  ['found', [begun, taken(100), answer(410)]],
] as const)('one that cannot be %s is a violation', async (_, replies) => {
  await using api = await scripted(...replies)
  await uploadInPieces(api.client, content)
  expect(api.rules()).toEqual(['unexpected-answer'])
  expect(api.ledger.entries).toMatchObject([{ state: 'sent' }])
})

test('bytes that were acknowledged and are not there are lost', async () => {
  await using api = await scripted(
    begun,
    taken(100),
    at(100),
    taken(200),
    at(40),
    taken(140),
    at(140),
    taken(240),
    at(240),
    taken(300),
    at(300, 'f1'),
  )
  await uploadInPieces(api.client, content)
  expect(api.rules()).toEqual(['lost'])
})

test('one that has not come to its end when the run has is told', async () => {
  await using api = await scripted(begun, taken(100), (response, asked) => {
    api.ending.abort()
    at(100)(response, asked)
  })
  await uploadInPieces(api.client, content)
  expect(api.ledger.violations).toMatchObject([{ rule: 'not-settled', what: expect.stringContaining('at 100 of 300 bytes') }])
})
