import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerSettings, SignIn } from '@slipway/db'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeServerFiles } from './server-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-server-files-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function serviceFile(database: ServerSettings): Promise<string[]> {
  await writeServerFiles(folder, { database, schemas: ['files', 'menu'], script: 'dump.sh' })
  return (await readFile(join(folder, 'pg_service.conf'), 'utf8')).split('\n')
}

const url = 'postgres://db.example.com:6432/slipway'

test('the programs of Postgres get a password that nobody else can read', async () => {
  const lines = await serviceFile({ url, role: { user: 'slipway_backup', password: 'a b\\c=' } })
  expect(lines).toEqual(
    expect.arrayContaining(['[slipway]', 'host=db.example.com', 'port=6432', 'user=slipway_backup', 'password=a b\\c=']),
  )
  expect((await stat(join(folder, 'pg_service.conf'))).mode & 0o077).toBe(0)
  expect(await readFile(join(folder, 'schemas'), 'utf8')).toBe('files\nmenu\n')
})

test('where roles have no passwords they get a token, for that role and server', async () => {
  const asked: SignIn[] = []
  const tokens = async (signIn: SignIn) => `token ${asked.push(signIn)}`
  expect(await serviceFile({ url, role: { user: 'slipway_backup' }, tokens })).toContain('password=token 1')
  expect(asked).toEqual([{ host: 'db.example.com', port: 6432, user: 'slipway_backup' }])
})

test('nothing is written that could be another setting', async () => {
  await expect(serviceFile({ url, role: { user: 'r', password: 'a\nhost=elsewhere' } })).rejects.toThrow(
    'a setting of Postgres has a line break',
  )
})
