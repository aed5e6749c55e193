import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import type { ServerSettings } from '@slipway/db'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeServerFiles } from './server-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-files-'))
})
afterEach(() => rm(folder, { recursive: true }))

const url = 'postgres://db.example.com:6432/shop'
const role = { user: 'slipway_backup', password: 'p=a#s%s' }

async function service(database: ServerSettings): Promise<Record<string, string>> {
  await writeServerFiles(folder, { database, schemas: ['files', 'menu'], script: 'dump.sh' })
  const [section, ...lines] = (await readFile(join(folder, 'pg_service.conf'), 'utf8')).trim().split('\n')
  expect(section).toBe('[slipway]')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

describe('what the programs of Postgres are told', () => {
  test('is where, as whom and as which program', async () => {
    expect(await service({ url, role, name: 'slipway backup' })).toMatchObject({
      host: 'db.example.com',
      port: '6432',
      dbname: 'shop',
      user: 'slipway_backup',
      password: 'p=a#s%s',
      application_name: 'slipway backup',
      sslmode: 'disable',
    })
    expect(await readFile(join(folder, 'schemas'), 'utf8')).toBe('files\nmenu\n')
    expect(await readFile(join(folder, 'dump.sh'), 'utf8')).toContain('pg_dump')
    expect((await stat(join(folder, 'pg_service.conf'))).mode & 0o777).toBe(0o600)
  })

  test('is to verify the server by the authority that everybody else has', async () => {
    const caFile = join(folder, 'own.pem')
    await writeFile(caFile, rootCertificates[0] ?? '')
    const own = await service({ url, role, tls: { mode: 'verify-full', caFile } })
    expect(own).toMatchObject({ sslmode: 'verify-full', sslrootcert: join(folder, 'ca.pem') })
    expect(await readFile(join(folder, 'ca.pem'), 'utf8')).toBe(rootCertificates[0])
  })

  test('is to trust whom Node trusts when there is no authority of its own', async () => {
    expect(await service({ url, role, tls: { mode: 'verify-full' } })).toMatchObject({ sslmode: 'verify-full' })
    expect(await readFile(join(folder, 'ca.pem'), 'utf8')).toContain(rootCertificates[0])
    expect(await service({ url, role, tls: { mode: 'require' } })).toMatchObject({ sslmode: 'require' })
  })

  test('is a token where the server takes no passwords', async () => {
    const tokens = async ({ user }: { user: string }) => `token of ${user}`
    expect(await service({ url, role: { user: 'slipway_backup' }, tokens })).toMatchObject({ password: 'token of slipway_backup' })
  })

  test('is never a line that somebody slipped in', async () => {
    const broken = service({ url, role: { user: 'x', password: 'a\nhost=elsewhere' } })
    await expect(broken).rejects.toThrow('line break')
  })
})
