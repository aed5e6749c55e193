import { mkdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Failure } from './failure.ts'
import { temporaryFolder } from './folders.fixtures.ts'
import { type Home, homeAt } from './home.ts'
import { writeConnections } from './stack/connections.ts'
import { StateRecord } from './supervisor/state.ts'
import { environmentTarget, findTarget, findTargetIfAny } from './target.ts'

const environment = {
  DATABASE_URL: 'postgres://admin:pw@db.example.com:5432/platform',
  DATABASE_TLS: 'verify-full',
  REDIS_URL: 'rediss://:pw@redis.example.com:6379',
  S3_REGION: 'eu-central-1',
  FILES_DB_RUNTIME_PASSWORD: 'runtime',
  FILES_DB_SYSTEM_PASSWORD: 'system',
}

function emptyHome(): Home {
  const home = homeAt(temporaryFolder())
  mkdirSync(home.run, { recursive: true })
  return home
}

describe('an installation that the environment names', () => {
  test('has its stores from the variables that processes have too', () => {
    const target = environmentTarget(environment)
    expect(target.database).toMatchObject({ adminUrl: environment.DATABASE_URL, tls: { mode: 'verify-full' } })
    expect(target.storage).toMatchObject({ region: 'eu-central-1', accessKey: null, bucketPrefix: 'slipway-' })
    expect(target.passwords('files')).toEqual({ runtime: 'runtime', system: 'system' })
  })

  test('may have the credentials of its stores apart from their addresses', () => {
    const target = environmentTarget({
      ...environment,
      DATABASE_URL: 'postgres://db.example.com/platform',
      DATABASE_ADMIN_USER: 'root',
      DATABASE_ADMIN_PASSWORD: 'a/b@c',
      REDIS_PASSWORD: 'other',
    })
    expect(target.database.adminUrl).toBe('postgres://root:a%2Fb%40c@db.example.com/platform')
    expect(target.redis.url).toBe('rediss://:other@redis.example.com:6379')
  })

  test('needs no password of any role where tokens stand in for them', () => {
    const { FILES_DB_RUNTIME_PASSWORD: _, ...keyless } = environment
    const target = environmentTarget({
      ...keyless,
      DATABASE_AUTH: 'aws-iam',
      DATABASE_URL: 'postgres://db.example.com/platform',
      DATABASE_ADMIN_USER: 'root',
    })
    expect(target.database).toMatchObject({ adminUrl: 'postgres://root@db.example.com/platform', tokenRole: 'rds_iam' })
    expect(target.database.tokens).toBeTypeOf('function')
    expect(target.passwords('files')).toEqual({})
    expect(environmentTarget(environment).database).not.toHaveProperty('tokens')
  })

  test('names a password that is missing', () => {
    expect(() => environmentTarget(environment).passwords('identity')).toThrow(/IDENTITY_DB_RUNTIME_PASSWORD is not set/)
  })
})

describe('findTarget', () => {
  test('takes the stack that runs, whatever else the environment says', () => {
    const home = emptyHome()
    new StateRecord({ file: home.state, url: 'http://localhost:8800', port: 8800 }).phase('ready')
    writeConnections(home, {
      stores: {
        postgres: { adminUrl: 'postgres://postgres:pw@127.0.0.1:1/slipway' },
        redis: { url: 'redis://127.0.0.1:2' },
        scanner: { host: '127.0.0.1', port: 3 },
        storage: { endpoint: 'http://127.0.0.1:4', region: 'us-east-1', accessKey: 'a', secretKey: 's' },
        mail: { smtpUrl: 'smtp://127.0.0.1:5' },
      },
      processes: {},
      signatures: 'test',
    })
    expect(findTarget(home, environment).database.adminUrl).toContain('127.0.0.1:1')
  })

  test('takes nothing while a stack starts, least of all what the environment names', () => {
    const home = emptyHome()
    new StateRecord({ file: home.state, url: '', port: 8800 }).phase('starting')
    expect(() => findTarget(home, environment)).toThrow(/is still starting/)
    expect(findTargetIfAny(home, environment)).toBeUndefined()
  })

  test('finds nothing where there is nothing, also with an empty variable', () => {
    expect(findTargetIfAny(emptyHome(), { DATABASE_URL: '' })).toBeUndefined()
  })

  test('takes the environment when no stack runs', () => {
    expect(findTarget(emptyHome(), environment).database.adminUrl).toBe(environment.DATABASE_URL)
  })

  test('says what to do when there is neither', () => {
    expect(() => findTarget(emptyHome(), {})).toThrow(Failure)
  })
})
