import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, integer } from '@slipway/config'
import { describe, expect, it } from 'vitest'
import type { AnyManifest } from './manifest.ts'
import { readProcessConfig, variableGroups, variablePrefix } from './process-config.ts'
import { notes } from './sample.fixtures/service.ts'

const minimal = {
  SLIPWAY_PUBLIC_URL: 'https://slipway.example',
  DATABASE_URL: 'postgres://db/slipway',
  REDIS_URL: 'redis://:hunter2@redis',
  NOTES_DB_RUNTIME_PASSWORD: 'r',
  NOTES_DB_SYSTEM_PASSWORD: 's',
}

const more: AnyManifest = {
  ...notes,
  name: 'more-notes',
  config: { pace: integer('MORE_NOTES_PACE', { default: 3, description: 'Pace' }) },
}

function faultsOf(changes: Record<string, string | undefined>, manifests: readonly AnyManifest[] = [notes]): readonly string[] {
  try {
    readProcessConfig(manifests, { ...minimal, ...changes })
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('the configuration of a process', () => {
  it('needs five variables for one service, and no more', () => {
    expect(faultsOf({})).toEqual([])
    for (const name of Object.keys(minimal))
      expect(faultsOf({ [name]: undefined })).toEqual([expect.stringContaining(`${name} is not set`)])
  })

  it('needs no passwords where tokens stand in for them, but TLS', () => {
    const keyless = { NOTES_DB_RUNTIME_PASSWORD: undefined, NOTES_DB_SYSTEM_PASSWORD: undefined, DATABASE_AUTH: 'aws-iam' }
    expect(faultsOf({ ...keyless, DATABASE_TLS: 'verify-full' })).toEqual([])
    expect(faultsOf(keyless)).toEqual(['DATABASE_AUTH: aws-iam needs TLS; set DATABASE_TLS to verify-full'])
    expect(faultsOf({ ...keyless, DATABASE_AUTH: 'gcp' })).toContainEqual(expect.stringContaining('DATABASE_AUTH'))
  })

  it('gives each service its own variables and passwords', () => {
    const passwords = { MORE_NOTES_DB_RUNTIME_PASSWORD: 'mr', MORE_NOTES_DB_SYSTEM_PASSWORD: 'ms' }
    const { services, platform } = readProcessConfig([notes, more], { ...minimal, ...passwords, MORE_NOTES_PACE: '7' })
    expect(services.notes?.database.runtime?.reveal()).toBe('r')
    expect(services['more-notes']?.database.system?.reveal()).toBe('ms')
    expect(services['more-notes']?.own).toEqual({ pace: 7 })
    expect(platform.http.port).toBe(8080)
    expect(JSON.stringify({ services, platform })).not.toMatch(/hunter2|"mr"|"ms"/)
  })

  it('is one report for whoever set it up wrongly in several places', () => {
    const faults = faultsOf({ HTTP_PORT: '70000', SLIPWAY_BASE_DOMAN: 'x', LOG_LEVEL: 'loud', REDIS_URL: 'http://:hunter2@redis' })
    expect(faults.map((fault) => fault.split(/[ :]/)[0])).toEqual(['SLIPWAY_BASE_DOMAN', 'HTTP_PORT', 'LOG_LEVEL', 'REDIS_URL'])
    expect(faults[0]).toContain('did you mean SLIPWAY_BASE_DOMAIN?')
    expect(faults.join()).not.toContain('hunter2')
  })

  it('lets be what the command and its users keep in the same environment', () => {
    expect(faultsOf({ SLIPWAY_URL: 'x', SLIPWAY_API_KEY: 'slp_a_b', SLIPWAY_HOME: '/h', FILES_SYNC_BYTES: '1', PATH: '/bin' })).toEqual([])
  })

  it('takes every secret from a mounted file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
    try {
      const path = join(folder, 'password')
      await writeFile(path, 'mounted\n')
      const files = { NOTES_DB_RUNTIME_PASSWORD: '', NOTES_DB_RUNTIME_PASSWORD_FILE: path }
      expect(readProcessConfig([notes], { ...minimal, ...files }).services.notes?.database.runtime?.reveal()).toBe('mounted')
      expect(faultsOf({ NOTES_DB_RUNTIME_PASSWORD_FILE: path })).toEqual([
        'NOTES_DB_RUNTIME_PASSWORD and NOTES_DB_RUNTIME_PASSWORD_FILE are both set: keep one of them',
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

const jwks = 'https://issuer.example/jwks'
const long = 'x'.repeat(32)

describe('values that do not fit together', () => {
  it.each<[string, Record<string, string>, string | null]>([
    ['test signatures in production', { CLAMAV_ALLOW_TEST_SIGNATURES: 'true' }, 'CLAMAV_ALLOW_TEST_SIGNATURES'],
    ['test signatures in development', { CLAMAV_ALLOW_TEST_SIGNATURES: 'true', SLIPWAY_ENV: 'development' }, null],
    [
      'plain http in production',
      { SLIPWAY_PUBLIC_URL: 'http://slipway.example' },
      'SLIPWAY_PUBLIC_URL: "http://slipway.example/" is not https',
    ],
    ['plain http in a test', { SLIPWAY_PUBLIC_URL: 'http://slipway.example', SLIPWAY_ENV: 'test' }, null],
    ['a farewell as long as the whole stop', { SHUTDOWN_NOT_READY_SECONDS: '25' }, 'SHUTDOWN_NOT_READY_SECONDS: 25 leaves nothing'],
    ['a farewell that leaves a second', { SHUTDOWN_NOT_READY_SECONDS: '24' }, null],
    ['a key without its secret', { S3_ACCESS_KEY: 'a' }, 'one is set without the other'],
    ['a Redis URL with a database', { REDIS_URL: 'redis://:p@redis/1' }, 'each purpose has its own'],
    ['one with it as a parameter', { REDIS_URL: 'redis://:p@redis?db=2' }, 'each purpose has its own'],
    ['one with an empty path', { REDIS_URL: 'redis://:p@redis/' }, null],
    ['a secret without its key', { S3_SECRET_KEY: 'a' }, 'one is set without the other'],
    ['both', { S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 'b' }, null],
    ['an issuer without keys', { JWT_EXTERNAL_ISSUER: 'i' }, 'JWT_EXTERNAL_ISSUER: set either'],
    [
      'an issuer with both kinds of keys',
      { JWT_EXTERNAL_ISSUER: 'i', JWT_EXTERNAL_JWKS_URL: jwks, JWT_EXTERNAL_SECRET: long },
      'set either',
    ],
    ['keys without an issuer', { JWT_EXTERNAL_JWKS_URL: jwks }, 'mean nothing without JWT_EXTERNAL_ISSUER'],
    ['a secret that can be guessed', { JWT_EXTERNAL_ISSUER: 'i', JWT_EXTERNAL_SECRET: long.slice(1) }, 'fewer than 32 bytes'],
    ['a secret of 32 bytes in fewer letters', { JWT_EXTERNAL_ISSUER: 'i', JWT_EXTERNAL_SECRET: 'ü'.repeat(16) }, null],
    ['an issuer with a key set', { JWT_EXTERNAL_ISSUER: 'i', JWT_EXTERNAL_JWKS_URL: jwks }, null],
  ])('%s', (_, changes, fault) => {
    const faults = faultsOf(changes)
    expect(faults).toEqual(fault === null ? [] : [expect.stringContaining(fault)])
    expect(faults.join()).not.toContain(long.slice(1))
  })
})

describe('the documentation of a process', () => {
  it('has the passwords of every service, none of them with a default', () => {
    const [, own] = variableGroups([more])
    expect(own?.title).toBe('Service more-notes')
    const database = own?.tree.database as Record<string, { name: string; secret: boolean; fallback: unknown }>
    expect(Object.values(database).map(({ name, secret, fallback }) => [name, secret, fallback])).toEqual([
      ['MORE_NOTES_DB_RUNTIME_PASSWORD', true, undefined],
      ['MORE_NOTES_DB_SYSTEM_PASSWORD', true, undefined],
    ])
  })

  it.each([
    ['files', 'FILES'],
    ['more-notes', 'MORE_NOTES'],
    ['a-b-c', 'A_B_C'],
  ])('calls the variables of %s %s_…', (service, prefix) => {
    expect(variablePrefix(service)).toBe(prefix)
  })
})
