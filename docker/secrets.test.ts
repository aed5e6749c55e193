import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function make(...services: string[]): string {
  return execFileSync(process.execPath, [join(import.meta.dirname, 'secrets.ts'), folder, ...services], { encoding: 'utf8' })
}

function files(): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile())
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}

it('puts each secret where only those find it who may read it', () => {
  make('identity', 'files')
  expect(Object.keys(files())).toEqual([
    'files/FILES_CREDENTIAL',
    'files/FILES_DB_RUNTIME_PASSWORD',
    'files/FILES_DB_SYSTEM_PASSWORD',
    'identity/IDENTITY_CREDENTIAL',
    'identity/IDENTITY_DB_RUNTIME_PASSWORD',
    'identity/IDENTITY_DB_SYSTEM_PASSWORD',
    'identity/IDENTITY_ENCRYPTION_KEY',
    'identity/IDENTITY_SECRET',
    'identity/SLIPWAY_SERVICE_CALLERS',
    'postgres/DATABASE_ADMIN_PASSWORD',
    'postgres/DATABASE_BACKUP_PASSWORD',
    'redis/REDIS_PASSWORD',
    'redis/valkey.conf',
    'storage/S3_ACCESS_KEY',
    'storage/S3_SECRET_KEY',
    'storage/s3.json',
    'tools/CLI_CREDENTIAL',
  ])
})

it('makes none twice, and no two alike', () => {
  expect(make('identity', 'files')).toContain('FILES_CREDENTIAL')
  const first = files()
  expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length)
  expect(make('identity', 'files')).toBe('All secrets are there.\n')
  expect(files()).toEqual(first)
})

it('adds what a new service needs, and tells the others of it', () => {
  make('identity')
  const before = files()
  make('identity', 'menu')
  const after = files()
  const { ['identity/SLIPWAY_SERVICE_CALLERS']: callers = '', ...kept } = after
  expect(kept).toMatchObject(Object.fromEntries(Object.entries(before).filter(([path]) => path !== 'identity/SLIPWAY_SERVICE_CALLERS')))
  const fingerprint = createHash('sha256')
    .update(after['menu/MENU_CREDENTIAL'] ?? '')
    .digest('hex')
  expect(callers.split(',')).toContain(`menu:${fingerprint}`)
})

it('gives the stores what they read in their own form', () => {
  make('identity')
  const made = files()
  expect(made['redis/valkey.conf']).toBe(`requirepass ${made['redis/REDIS_PASSWORD']}\n`)
  expect(JSON.parse(made['storage/s3.json'] ?? '')).toMatchObject({
    identities: [{ credentials: [{ accessKey: made['storage/S3_ACCESS_KEY'], secretKey: made['storage/S3_SECRET_KEY'] }] }],
  })
})

it('makes what got lost, and only that', () => {
  make('identity')
  const before = files()
  unlinkSync(join(folder, 'redis', 'REDIS_PASSWORD'))
  expect(make('identity')).toBe('Made REDIS_PASSWORD.\n')
  const after = files()
  expect(after['redis/REDIS_PASSWORD']).not.toBe(before['redis/REDIS_PASSWORD'])
  expect(after['redis/valkey.conf']).toContain(after['redis/REDIS_PASSWORD'])
  expect(after['postgres/DATABASE_ADMIN_PASSWORD']).toBe(before['postgres/DATABASE_ADMIN_PASSWORD'])
})
