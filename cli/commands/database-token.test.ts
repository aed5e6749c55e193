import type { SignIn } from '@slipway/db'
import { beforeEach, expect, test, vi } from 'vitest'
import { environmentTarget } from '../target.ts'
import { tokenOf } from './database-token.ts'

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  return () => vi.unstubAllEnvs()
})

const environment = { DATABASE_URL: 'postgres://db.example.com:6432/slipway', REDIS_URL: 'redis://r', DATABASE_TLS: 'require' }

test('a token is for the named role, at the server of the installation', async () => {
  const asked: SignIn[] = []
  const tokens = async (signIn: SignIn) => `token ${asked.push(signIn)}`
  expect(await tokenOf({ adminUrl: environment.DATABASE_URL, tokens }, 'slipway_backup')).toBe('token 1')
  expect(await tokenOf({ adminUrl: 'postgres://db.example.com/x', tokens }, 'admin')).toBe('token 2')
  expect(asked).toEqual([
    { host: 'db.example.com', port: 6432, user: 'slipway_backup' },
    { host: 'db.example.com', port: 5432, user: 'admin' },
  ])
})

test('it is made from the variables that processes have', async () => {
  const { database } = environmentTarget({ ...environment, DATABASE_AUTH: 'aws-iam', DATABASE_REGION: 'eu-north-1' })
  const token = new URL(`https://${await tokenOf(database, 'slipway_backup')}`)
  expect(token.host).toBe('db.example.com:6432')
  expect(token.searchParams.get('DBUser')).toBe('slipway_backup')
  expect(token.searchParams.get('X-Amz-Credential')).toContain('/eu-north-1/')
})

test('where roles have passwords there is none', async () => {
  const { database } = environmentTarget(environment)
  await expect(tokenOf(database, 'slipway_backup')).rejects.toMatchObject({ fix: 'set DATABASE_AUTH=aws-iam to sign in by tokens' })
})
