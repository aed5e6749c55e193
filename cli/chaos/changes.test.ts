import { expect, test } from 'vitest'
import { overwrite, rescan, versionsOf } from './changes.ts'
import { answer, breakOff, scripted } from './client.fixtures.ts'
import { cleanContent, infectedContent } from './content.ts'
import { read } from './operations.ts'

const first = cleanContent(100)
const second = cleanContent(200)
const infected = infectedContent(0, 0)
const looked = answer(200, { id: 'f1' }, { etag: '"7"' })

async function world(...replies: Parameters<typeof scripted>) {
  const api = await scripted(...replies)
  const entry = api.ledger.open({ name: 'n', sha256: first.sha256, size: 100, isInfected: false })
  Object.assign(entry, { state: 'clean', id: 'f1' })
  return { ...api, entry }
}

test('new content replaces what was seen, and what was there is remembered', async () => {
  await using api = await world(looked, answer(200, { id: 'f1', sha256: second.sha256 }))
  await overwrite(api.client, api.entry, second)
  expect(api.asked[1]).toMatchObject({
    method: 'PUT',
    path: '/api/v1/files/f1/content',
    headers: { 'if-match': '"7"' },
    body: second.bytes,
  })
  expect(api.entry).toMatchObject({ state: 'clean', sha256: second.sha256, size: 200, earlier: [first.sha256] })
  expect(api.ledger.isClean(second.sha256)).toBe(true)
  expect(api.rules()).toEqual([])
})

test('it is sent again under the same key when its answer is lost', async () => {
  await using api = await world(looked, breakOff, answer(503, {}, { 'retry-after': '0' }), answer(200, { sha256: second.sha256 }))
  api.state.mayBreak = true
  await overwrite(api.client, api.entry, second)
  const keys = api.asked.slice(1).map(({ headers }) => headers['idempotency-key'])
  expect([keys.length, new Set(keys).size]).toEqual([3, 1])
  expect(api.entry.earlier).toEqual([first.sha256])
  expect(api.rules()).toEqual([])
})

test('infected content leaves what was there', async () => {
  await using api = await world(looked, answer(422, { code: 'file.infected' }))
  await overwrite(api.client, api.entry, infected)
  expect(api.entry).toMatchObject({ state: 'clean', sha256: first.sha256, earlier: [] })
  expect(api.ledger.isClean(infected.sha256)).toBe(false)
  expect(api.rules()).toEqual([])
})

test.each([
  ['infected content is taken', infected, answer(200, { sha256: infected.sha256 }), 'infected-accepted'],
  ['clean content is refused', second, answer(422, { code: 'file.infected' }), 'unexpected-answer'],
  ['somebody else was faster, though nobody was', second, answer(412, { code: 'precondition.failed' }), 'unexpected-answer'],
  ['other bytes are stored', second, answer(200, { sha256: 'other' }), 'wrong-bytes'],
] as const)('that %s is a violation', async (...[, content, reply, rule]) => {
  await using api = await world(looked, reply)
  await overwrite(api.client, api.entry, content)
  expect(api.rules()).toEqual([rule])
})

test('a file that cannot be looked at is not overwritten', async () => {
  await using api = await world(answer(404))
  await overwrite(api.client, api.entry, second)
  expect(api.asked).toHaveLength(1)
  expect(api.rules()).toEqual(['unexpected-answer'])
})

test('who reads while it is overwritten may get either content, but none from before', async () => {
  await using api = await world((response) => void response.end(first.bytes))
  api.entry.sha256 = second.sha256
  const reading = read(api.client, api.entry)
  api.entry.earlier.push(first.sha256)
  await reading
  expect(api.rules()).toEqual([])
  await read(api.client, api.entry)
  expect(api.rules()).toEqual(['wrong-bytes'])
})

test('a new look changes nothing', async () => {
  await using api = await world(answer(202), answer(409))
  await rescan(api.client, api.entry)
  expect(api.asked[0]).toMatchObject({ method: 'POST', path: '/api/v1/files/f1/rescan' })
  expect([api.entry.state, api.rules()]).toEqual(['clean', []])
  await rescan(api.client, api.entry)
  expect(api.rules()).toEqual(['unexpected-answer'])
})

test('versions are those that are clean', async () => {
  const items = [
    { sha256: 'new', verdict: 'clean' },
    { sha256: 'bad', verdict: 'infected' },
    { sha256: 'old', verdict: 'clean' },
  ]
  await using api = await world(answer(200, { items }))
  expect(await versionsOf(api.client, api.entry)).toEqual(['new', 'old'])
})
