import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { answer, scripted } from './client.fixtures.ts'
import { type FileState, Ledger } from './ledger.ts'
import type { FileBody } from './operations.ts'
import { compare, compareVersions, doubt } from './reckoning.ts'

const name = randomUUID()

function fileOf(more: Partial<FileBody> = {}): FileBody {
  return { id: 'f1', name, sha256: 'sha', size: 7, verdict: 'clean', ...more }
}

function rulesOf(state: FileState, live: FileBody[], trashed: FileBody[] = []): string[] {
  const ledger = new Ledger()
  ledger.open({ name, sha256: 'sha', size: 7, isInfected: false }).state = state
  compare({ ledger }, [...live, fileOf({ name: randomUUID() })], trashed)
  return ledger.violations.map(({ rule }) => rule)
}

test.each<[FileState, number, number]>([
  ['clean', 1, 0],
  ['trashed', 0, 1],
  ['purged', 0, 0],
  ['refused', 0, 0],
  // Without an answer nobody knows; but never two.
  ['sent', 0, 0],
  ['sent', 1, 0],
  ['leaving', 1, 0],
  ['leaving', 0, 1],
  ['leaving', 0, 0],
  ['changing', 1, 0],
])('%s is well with %i files and %i in the trash', (state, live, trashed) => {
  expect(
    rulesOf(
      state,
      Array.from({ length: live }, () => fileOf()),
      Array.from({ length: trashed }, () => fileOf()),
    ),
  ).toEqual([])
})

test('what was acknowledged and is not there is lost', () => {
  expect(rulesOf('clean', [])).toEqual(['lost'])
  expect(rulesOf('trashed', [])).toEqual(['lost'])
})

test('what was purged or refused and is there is none of its business', () => {
  expect(rulesOf('purged', [fileOf()])).toEqual(['unexpected-answer'])
  expect(rulesOf('refused', [fileOf()])).toEqual(['unexpected-answer'])
})

test('a second file has a number behind its name', () => {
  expect(rulesOf('sent', [fileOf(), fileOf({ id: 'f2', name: `${name} (2)` })])).toEqual(['doubled'])
  expect(rulesOf('clean', [fileOf()], [fileOf({ id: 'f2', name: `${name} (2)` })])).toContain('doubled')
})

test('another digest or size is other bytes', () => {
  expect(rulesOf('clean', [fileOf({ sha256: 'other' })])).toEqual(['wrong-bytes'])
  expect(rulesOf('trashed', [], [fileOf({ size: 8 })])).toEqual(['wrong-bytes'])
})

test.each([
  ['all versions are there', ['c', 'b', 'a'], []],
  ['one is missing', ['c', 'b'], ['lost']],
  ['they are in another order', ['c', 'a', 'b'], ['lost']],
  ['the newest is not the content', ['b', 'c', 'a'], ['lost']],
])('of what was overwritten, %s', async (_, versions, rules) => {
  await using api = await scripted((response, { path }) =>
    path.includes('/versions')
      ? answer(200, { items: versions.map((sha256) => ({ sha256, verdict: 'clean' })) })(response, {
          method: '',
          path,
          headers: {},
          body: Buffer.of(),
        })
      : void response.end('content of now'),
  )
  const entry = api.ledger.open({ name, sha256: 'c', size: 1, isInfected: false })
  Object.assign(entry, { state: 'clean', id: 'f1' })
  entry.earlier.push('a', 'b')
  expect(await compareVersions(api.client)).toBe(rules.length === 0 ? 2 : 0)
  // Its content is compared as that of every file.
  expect(api.rules()).toEqual(['wrong-bytes', ...rules])
})

test('what a rescan says is lost or altered, or takes from its readers, is a violation; what the scanner failed at is none', () => {
  const ledger = new Ledger()
  doubt(
    { ledger },
    ['lost', 'altered', 'withdrawn', 'error', 'timeout'].map((reason) => ({ name: 'n', reason })),
  )
  expect(ledger.violations.map(({ rule, what }) => [rule, what])).toEqual([
    ['lost', 'n by a rescan: lost'],
    ['wrong-bytes', 'n by a rescan: altered'],
    ['lost', 'n by a rescan: withdrawn'],
  ])
})

test('what was overwritten and is in the trash has its versions there', async () => {
  await using api = await scripted(answer(200, { items: [{ sha256: 'c', verdict: 'clean' }] }))
  const entry = api.ledger.open({ name, sha256: 'c', size: 1, isInfected: false })
  Object.assign(entry, { state: 'trashed', id: 'f1' })
  entry.earlier.push('a')
  expect(await compareVersions(api.client)).toBe(0)
  expect(api.asked.map(({ path }) => path)).toEqual(['/api/v1/files/f1/versions?limit=100'])
  expect(api.rules()).toEqual(['lost'])
})
