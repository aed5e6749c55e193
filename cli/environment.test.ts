import { join } from 'node:path'
import { serviceCallers } from '@slipway/auth'
import { describe, expect, test } from 'vitest'
import { cliCredential, type ProcessPlan, processEnvironmentOf, type Stores } from './environment.ts'
import { temporaryFolder } from './folders.fixtures.ts'
import { StackSecrets } from './secrets.ts'
import { services } from './services.ts'

const stores: Stores = {
  postgres: { adminUrl: 'postgres://postgres:admin-password@127.0.0.1:5433/slipway' },
  redis: { url: 'redis://:redis-password@127.0.0.1:6380' },
  scanner: { host: '127.0.0.1', port: 3311 },
  storage: { endpoint: 'http://127.0.0.1:8333', region: 'us-east-1', accessKey: 'access', secretKey: 'secret' },
  mail: { smtpUrl: 'smtp://127.0.0.1:2525' },
}

const secrets = new StackSecrets(join(temporaryFolder(), 'secrets.json'))

function plan(name: string, kind: 'api' | 'worker' = 'api'): ProcessPlan {
  const manifest = services.find((service) => service.name === name)
  if (!manifest) throw new Error(`no service ${name}`)
  return { manifest, kind, ports: { open: 20_001, internal: 20_002 } }
}

function environmentOf(of: ProcessPlan, inherited: Record<string, string> = {}) {
  return processEnvironmentOf(of, {
    stores,
    secrets,
    manifests: services,
    publicUrl: 'http://localhost:8800',
    identityUrl: 'http://127.0.0.1:20004',
    inherited,
  })
}

describe('the environment of a process', () => {
  test('has its own passwords, and neither those of others nor the admin’s', () => {
    const files = environmentOf(plan('files'))
    expect(files['FILES_DB_RUNTIME_PASSWORD']).toBe(secrets.get('files.database.runtime'))
    expect(files).not.toHaveProperty('IDENTITY_DB_RUNTIME_PASSWORD')
    expect(files).not.toHaveProperty('IDENTITY_SECRET')
    expect(JSON.stringify(files)).not.toContain('admin-password')
    expect(files['DATABASE_URL']).toBe('postgres://127.0.0.1:5433/slipway')
  })

  test('listens on the loopback address only', () => {
    expect(environmentOf(plan('files'))).toMatchObject({
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '20001',
      HTTP_INTERNAL_HOST: '127.0.0.1',
      HTTP_INTERNAL_PORT: '20002',
    })
  })

  test('names every service that may call, this command included, and no one else', async () => {
    const environment = environmentOf(plan('identity'))
    const callers = serviceCallers((environment['SLIPWAY_SERVICE_CALLERS'] ?? '').split(','))
    const ask = (credential: string) => callers.authenticate({ headers: { authorization: `Service ${credential}` }, host: 'x' })
    expect(await ask(environmentOf(plan('files'))['SLIPWAY_SERVICE_CREDENTIAL'] ?? '')).toMatchObject({ kind: 'service', name: 'files' })
    expect(await ask(cliCredential(secrets))).toMatchObject({ kind: 'service', name: 'cli' })
    await expect(ask('files.guess')).rejects.toMatchObject({ code: 'auth.invalid' })
  })

  test('lets a developer tune what the stack does not depend on', () => {
    const environment = environmentOf(plan('files'), { FILES_SYNC_BYTES: '1024', LOG_LEVEL: 'debug', REDIS_URL: 'redis://elsewhere:6379' })
    expect(environment).toMatchObject({ FILES_SYNC_BYTES: '1024', LOG_LEVEL: 'debug', REDIS_URL: stores.redis.url })
  })

  test('takes nothing else along from the terminal', () => {
    const environment = environmentOf(plan('files'), { AWS_SECRET_ACCESS_KEY: 'mine', SLIPWAY_API_KEY: 'mine', PATH: '/usr/bin' })
    expect(environment).not.toHaveProperty('AWS_SECRET_ACCESS_KEY')
    expect(environment).not.toHaveProperty('SLIPWAY_API_KEY')
    expect(environment['PATH']).toBe('/usr/bin')
  })

  test('is the same at the next start: a restarted process finds its data', () => {
    expect(environmentOf(plan('identity', 'worker'))).toEqual(environmentOf(plan('identity', 'worker')))
  })
})
