import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startClamd } from '@slipway/stack'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { putSignatures, reload, reloadsIn, takeSignatures } from './clamd-database.ts'

const { signal } = new AbortController()

test('more signatures come and go by reloads, each of which is waited for', { timeout: 60_000 }, async () => {
  const home = temporaryFolder()
  const more = join(home, 'more')
  await mkdir(more)
  await writeFile(join(more, 'more.ndb'), ['ab', 'cd'].map((byte) => `More-${byte}:0:*:${byte.repeat(40)}\n`).join(''))
  await using part = await startClamd({ home, signatures: 'test', maxFileBytes: 1024 * 1024 })
  const clamd = { folder: home, port: part.port }
  await putSignatures(clamd, more)
  expect(await reload(clamd, signal)).toMatchObject({ signatures: 3 })
  await takeSignatures(clamd, more)
  expect(await readdir(join(home, 'clamd', 'signatures'))).toEqual(['slipway-test.ndb'])
  expect(await reload(clamd, signal)).toMatchObject({ signatures: 1 })
})

test('where nobody reloads, the answer is none', async () => {
  expect(await reload({ folder: temporaryFolder(), port: 1 }, signal, 300)).toBeNull()
})

test('reloads are read from the log, those that have ended', () => {
  const log = [
    'Mon Nov 23 04:15:14 2026 -> Self checking every 600 seconds.',
    'Mon Nov 23 04:15:14 2026 -> Reading databases from /signatures',
    'Mon Nov 23 04:15:27 2026 -> Database correctly reloaded (1680001 signatures)',
    'Mon Nov 23 04:15:27 2026 -> Activating the newly loaded database...',
    'Mon Nov 23 04:15:30 2026 -> Reading databases from /signatures',
  ]
  expect(reloadsIn(log.join('\n'))).toEqual([{ signatures: 1_680_001, seconds: 13 }])
})
