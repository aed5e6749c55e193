import { expect, test } from 'vitest'
import { type Asked, answer, scripted } from './client.fixtures.ts'
import { type Content, cleanContent, infectedContent, sha256Of } from './content.ts'
import type { Entry } from './ledger.ts'
import { read, remove, settled, upload } from './operations.ts'

const clean = cleanContent(100)
const infected = infectedContent(0, 0)
const fileOf = ({ sha256 }: Content, verdict = 'clean') => ({ id: 'f1', sha256, verdict, name: 'n', size: 1 })

async function entryOf(content: Content, state: Entry['state'], ...replies: Parameters<typeof scripted>) {
  const api = await scripted(...replies)
  const entry = api.ledger.open({ name: 'n', sha256: content.sha256, size: content.bytes.length, isInfected: content.isInfected })
  Object.assign(entry, { state, id: 'f1' })
  return { ...api, entry }
}

test('an upload is a form whose file is the content, with a key', async () => {
  await using api = await scripted(answer(201, fileOf(clean)))
  await upload(api.client, clean, { name: 'the-name', key: 'the-key' })
  const [{ headers, body } = {} as Asked] = api.asked
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': String(headers['content-type']) } }).formData()
  const file = form.get('file') as File
  expect([form.get('name'), file.name, headers['idempotency-key']]).toEqual(['the-name', 'the-name', 'the-key'])
  expect(sha256Of(Buffer.from(await file.arrayBuffer()))).toBe(clean.sha256)
})

test.each([
  ['clean and accepted', clean, answer(201, fileOf(clean)), 'clean', []],
  ['clean and received', clean, answer(202, fileOf(clean, 'pending')), 'pending', []],
  ['clean and taken for another', clean, answer(201, fileOf(infected)), 'clean', ['wrong-bytes']],
  ['clean and refused', clean, answer(422, { code: 'file.infected' }), 'refused', ['unexpected-answer']],
  ['clean and not authorised', clean, answer(401, { code: 'auth.invalid' }), 'refused', ['unexpected-answer']],
  ['infected and refused', infected, answer(422, { code: 'file.infected', quarantineId: 'q1' }), 'refused', []],
  ['infected and received', infected, answer(202, fileOf(infected, 'pending')), 'pending', []],
  ['infected and accepted', infected, answer(201, fileOf(infected)), 'clean', ['infected-accepted']],
  ['infected and invalid', infected, answer(422, { code: 'request.invalid' }), 'refused', ['unexpected-answer']],
] as const)('an upload that is %s', async (...[, content, reply, state, rules]) => {
  await using api = await scripted(reply)
  await upload(api.client, content)
  expect(api.ledger.entries).toMatchObject([{ state, isInfected: content.isInfected }])
  expect(api.rules()).toEqual(rules)
})

test('content is compared with what was sent', async () => {
  await using api = await entryOf(clean, 'clean', (response) => void response.end(clean.bytes))
  await read(api.client, api.entry)
  expect(api.rules()).toEqual([])
})

test.each([
  ['other bytes', (response: { end(bytes: Buffer): void }) => response.end(Buffer.from('other')), 'wrong-bytes'],
  ['none of them', answer(404), 'unexpected-answer'],
] as const)('%s are a violation', async (_, reply, rule) => {
  await using api = await entryOf(clean, 'clean', reply)
  await read(api.client, api.entry)
  expect(api.rules()).toEqual([rule])
})

test('what is being deleted may be gone', async () => {
  await using api = await entryOf(clean, 'leaving', answer(404))
  await read(api.client, api.entry)
  expect(api.rules()).toEqual([])
})

test('a deletion is into the trash or for good', async () => {
  await using trash = await entryOf(clean, 'clean', answer(204))
  await remove(trash.client, trash.entry, false)
  await using purge = await entryOf(clean, 'clean', answer(204))
  await remove(purge.client, purge.entry, true)
  expect([trash.entry.state, purge.entry.state]).toEqual(['trashed', 'purged'])
  expect(purge.asked).toMatchObject([{ method: 'DELETE', path: '/api/v1/files/f1?permanent=true' }])
  await using missing = await entryOf(clean, 'clean', answer(404))
  await remove(missing.client, missing.entry, true)
  expect(missing.rules()).toEqual(['unexpected-answer'])
})

test.each([
  ['still pending', clean, answer(200, fileOf(clean, 'pending')), false, 'pending', []],
  ['clean', clean, answer(200, fileOf(clean)), true, 'clean', []],
  ['refused', infected, answer(200, fileOf(infected, 'infected')), true, 'refused', []],
  ['infected and clean', infected, answer(200, fileOf(infected)), true, 'clean', ['infected-accepted']],
  ['clean and refused', clean, answer(200, fileOf(clean, 'unscannable')), true, 'refused', ['lost']],
  ['clean and gone', clean, answer(404), true, 'refused', ['lost']],
] as const)('a verdict: %s', async (...[, content, reply, isSettled, state, rules]) => {
  await using api = await entryOf(content, 'pending', reply)
  expect(await settled(api.client, api.entry)).toBe(isSettled)
  expect(api.entry.state).toBe(state)
  expect(api.rules()).toEqual(rules)
})
