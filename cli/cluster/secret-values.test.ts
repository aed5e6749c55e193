import { serviceCallers } from '@slipway/auth'
import { describe, expect, test } from 'vitest'
import { missingSecrets, optionalSecrets } from './secret-values.ts'

const services = ['identity', 'files', 'crawl-desk']
const all = missingSecrets({}, services)

describe('an installation without secrets', () => {
  test('gets all of them', () => {
    expect(Object.keys(all).sort()).toEqual([
      'CLI_CREDENTIAL',
      'CRAWL_DESK_CREDENTIAL',
      'CRAWL_DESK_DB_RUNTIME_PASSWORD',
      'CRAWL_DESK_DB_SYSTEM_PASSWORD',
      'DATABASE_ADMIN_PASSWORD',
      'DATABASE_BACKUP_PASSWORD',
      'FILES_CREDENTIAL',
      'FILES_DB_RUNTIME_PASSWORD',
      'FILES_DB_SYSTEM_PASSWORD',
      'IDENTITY_CREDENTIAL',
      'IDENTITY_DB_RUNTIME_PASSWORD',
      'IDENTITY_DB_SYSTEM_PASSWORD',
      'IDENTITY_ENCRYPTION_KEY',
      'IDENTITY_SECRET',
      'REDIS_PASSWORD',
      'S3_ACCESS_KEY',
      'S3_SECRET_KEY',
      'SLIPWAY_SERVICE_CALLERS',
    ])
  })

  test('gets each of its own, of 256 bits where nobody limits them', () => {
    const values = Object.entries(all).filter(([name]) => name !== 'SLIPWAY_SERVICE_CALLERS')
    expect(new Set(values.map(([, value]) => value)).size).toBe(values.length)
    for (const [name, value] of values.filter(([name]) => /PASSWORD|_SECRET|SECRET_KEY/.test(name)))
      expect(value, name).toMatch(/^[\w-]{43}$/)
    expect(Buffer.from(all['IDENTITY_ENCRYPTION_KEY']?.split(':')[1] ?? '', 'base64')).toHaveLength(32)
  })

  test('never gets the same twice', () => {
    const again = missingSecrets({}, services)
    for (const [name, value] of Object.entries(all)) expect(again[name], name).not.toBe(value)
  })
})

describe('an installation with secrets', () => {
  test('keeps them', () => {
    expect(missingSecrets(all, services)).toEqual({})
  })

  test('gets what a new service needs, and nothing else changes but who may call', () => {
    const added = missingSecrets(all, [...services, 'menu'])
    expect(Object.keys(added).sort()).toEqual([
      'MENU_CREDENTIAL',
      'MENU_DB_RUNTIME_PASSWORD',
      'MENU_DB_SYSTEM_PASSWORD',
      'SLIPWAY_SERVICE_CALLERS',
    ])
  })

  test('gets one again that was taken away, as for a rotation', () => {
    const { REDIS_PASSWORD: old, ...rest } = all
    const added = missingSecrets(rest, services)
    expect(Object.keys(added)).toEqual(['REDIS_PASSWORD'])
    expect(added['REDIS_PASSWORD']).not.toBe(old)
  })

  test('has an empty one filled', () => {
    expect(Object.keys(missingSecrets({ ...all, S3_SECRET_KEY: '' }, services))).toEqual(['S3_SECRET_KEY'])
  })
})

describe('an installation whose stores are those of others', () => {
  test('gets all but what their owners know', () => {
    const without = ['DATABASE_ADMIN_PASSWORD', 'REDIS_PASSWORD', 'FILES_DB_RUNTIME_PASSWORD']
    const made = Object.keys(missingSecrets({}, services, without))
    expect(made.toSorted()).toEqual(
      Object.keys(all)
        .filter((name) => !without.includes(name))
        .toSorted(),
    )
  })

  test('keeps what its people have put there', () => {
    expect(missingSecrets({ ...all, REDIS_PASSWORD: 'theirs' }, services, ['REDIS_PASSWORD'])).toEqual({})
  })

  test('cannot do without what processes know each other by', () => {
    const left = Object.keys(missingSecrets({}, services, optionalSecrets(services)))
    expect(left.toSorted()).toEqual([
      'CLI_CREDENTIAL',
      'CRAWL_DESK_CREDENTIAL',
      'FILES_CREDENTIAL',
      'IDENTITY_CREDENTIAL',
      'SLIPWAY_SERVICE_CALLERS',
    ])
  })
})

test('the callers are those who have the credentials', async () => {
  const callers = serviceCallers((all['SLIPWAY_SERVICE_CALLERS'] ?? '').split(','))
  const caller = (credential: string | undefined) =>
    callers.authenticate({ headers: { authorization: `Service ${credential}` }, host: 'x' })
  for (const [name, service] of [
    ['FILES_CREDENTIAL', 'files'],
    ['CRAWL_DESK_CREDENTIAL', 'crawl-desk'],
    ['CLI_CREDENTIAL', 'cli'],
  ] as const)
    expect(await caller(all[name])).toMatchObject({ kind: 'service', id: service })
  await expect(async () => caller('files.guessed')).rejects.toMatchObject({ status: 401 })
})
