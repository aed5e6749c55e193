import { ConfigError } from '@slipway/config'
import { problem } from '@slipway/problem'
import { expect, test } from 'vitest'
import { Failure } from '../failure.ts'
import { connectionFault } from './connection-fault.ts'

const coded = (code: string, message = 'x') => Object.assign(new Error(message), { code })

test.each([
  ['postgres', coded('28P01'), 'postgres.password'],
  ['postgres', coded('28000', 'no pg_hba.conf entry for host "10.0.0.1", user "a", database "b", no encryption'), 'postgres.tls'],
  ['postgres', coded('3D000'), 'postgres.database'],
  ['postgres', new Error('The server does not support SSL connections'), 'postgres.tls'],
  ['postgres', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'postgres.certificate'],
  ['postgres', Object.assign(coded('ENOENT'), { syscall: 'open', path: '/ca.crt' }), 'postgres.certificate'],
  ['redis', new Error('WRONGPASS invalid username-password pair'), 'redis.password'],
  ['redis', new Error('NOAUTH Authentication required.'), 'redis.password'],
  [
    'redis',
    new AggregateError([coded('ECONNREFUSED', 'refused at ::1'), coded('ECONNREFUSED', 'refused at 127.0.0.1')]),
    'redis.unreachable',
  ],
  ['storage', problem('storage.unavailable', { cause: coded('SELF_SIGNED_CERT_IN_CHAIN') }), 'storage.certificate'],
  ['storage', problem('storage.unavailable', { cause: coded('ENOTFOUND') }), 'storage.unreachable'],
  [
    'storage',
    problem('storage.unavailable', { cause: Object.assign(new Error('the object store gives no answer'), { name: 'StoreSilent' }) }),
    'storage.unreachable',
  ],
  ['clamd', problem('scanner.unavailable', { cause: coded('ECONNREFUSED') }), 'clamd.unreachable'],
  ['identity', new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }), 'identity.unreachable'],
  ['postgres', new ConfigError(['FILES_DB_RUNTIME_PASSWORD is not set']), 'configuration.invalid'],
  ['postgres', coded('42501', 'permission denied'), 'check.failed'],
] as const)('of %s: %s is %s', (part, error, fault) => {
  expect(connectionFault(error, part)).toMatchObject({
    level: 'fail',
    fault,
    what: expect.stringMatching(/./),
    fix: expect.stringMatching(/./),
  })
})

test('what it was in the end is told, not only that something was unavailable', () => {
  const error = problem('storage.unavailable', { cause: coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1') })
  expect(connectionFault(error, 'storage').what).toBe('connect ECONNREFUSED 127.0.0.1:1')
})

test('a failure that knows its fix keeps it', () => {
  const found = connectionFault(new Failure('it is down', { fix: 'start it' }), undefined)
  expect(found).toMatchObject({ fault: 'check.failed', what: 'it is down', fix: 'start it' })
})
