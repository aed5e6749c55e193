import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startClamd } from '@slipway/stack'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../folders.fixtures.ts'
import { answer, scripted } from '../client.fixtures.ts'
import { reloadWith } from './clamd.ts'

test.each([
  [{ 'more.ndb': `More:0:*:${'ab'.repeat(40)}\n` }, /^2 signatures loaded in \d s, then 1 signatures loaded in \d s$/, []],
  [{}, /^1 signatures loaded in \d s, then 1 signatures loaded in \d s$/, ['no-effect']],
])('signatures come and go, and it says so when none came: %j', { timeout: 60_000 }, async (signatures, told, rules) => {
  const home = temporaryFolder()
  const more = join(home, 'more')
  await mkdir(more)
  for (const [name, lines] of Object.entries(signatures)) await writeFile(join(more, name), lines)
  await using part = await startClamd({ home, signatures: 'test', maxFileBytes: 1024 * 1024 })
  await using api = await scripted(answer(200))
  const notes: string[] = []
  const { signal } = new AbortController()
  const heal = await reloadWith({ folder: home, port: part.port }, more, { client: api.client, note: (text) => notes.push(text), signal })
  await heal()
  expect(notes).toEqual([expect.stringMatching(told)])
  expect(api.rules()).toEqual(rules)
})
