import { expect, test } from 'vitest'
import { faults } from './faults.ts'
import { fillFix, type Installation } from './fix.ts'
import { hideSecrets, secretsOf } from './secrets.ts'

test('a fix names the variable, or where the chart sets it, the value', () => {
  const text = 'set {REDIS_CA_FILE} and {REDIS_PASSWORD}, then run {migrate}'
  expect(fillFix(text, 'environment')).toBe('set REDIS_CA_FILE and REDIS_PASSWORD, then run `slipway migrate`')
  expect(fillFix(text, 'chart')).toBe(
    'set redis.connection.ca (REDIS_CA_FILE) and redis.connection.existingSecret (REDIS_PASSWORD), then run `helm upgrade`, whose Job runs `slipway migrate`',
  )
  expect(fillFix('set {DATABASE_BACKUP_PASSWORD}', 'chart')).toBe("set DATABASE_BACKUP_PASSWORD in the release's Secret")
})

test.each(['chart', 'environment', 'stack'] satisfies Installation[])('every fix has all its names filled in for a %s', (installation) => {
  for (const [id, { fix, why, title }] of Object.entries(faults)) {
    expect(fillFix(fix, installation), id).not.toMatch(/[{}]/)
    expect(
      [fix, why, title].every((text) => text.length > 3 && !/[.:]$/.test(text)),
      id,
    ).toBe(true)
  }
})

test('secrets are told nowhere, whatever a message says', () => {
  const secrets = secretsOf(
    { DATABASE_URL: 'postgres://root:a%2Fb-long@db/x', REDIS_PASSWORD: 'redis-pass', S3_SECRET_KEY: 'abc', S3_REGION: 'eu-west-1' },
    undefined,
  )
  expect(hideSecrets('a/b-long a%2Fb-long redis-pass abc eu-west-1', secrets)).toBe('… … … abc eu-west-1')
})
