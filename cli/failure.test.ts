import { expect, test } from 'vitest'
import { exitCodes, Failure, renderFailure, toFailure } from './failure.ts'

test('a failure is rendered with its fix and without a stack', () => {
  const text = renderFailure(new Failure('port 8800 is in use', { fix: 'choose another' }))
  expect(text).toBe('slipway: port 8800 is in use\n  fix: choose another')
})

test('an error of a library keeps its message and its fix', () => {
  const error = Object.assign(new Error('redis-server is missing: apt-get'), {
    what: 'redis-server is missing',
    fix: 'apt-get install redis-server',
  })
  expect(toFailure(error)).toMatchObject({
    message: 'redis-server is missing',
    fix: 'apt-get install redis-server',
    exitCode: exitCodes.failed,
  })
})

test('a failure stays itself, exit code included', () => {
  const failure = new Failure('no', { exitCode: exitCodes.usage })
  expect(toFailure(failure)).toBe(failure)
})

test('what is no error at all is still told', () => {
  expect(toFailure('boom').message).toBe('Something failed: boom')
})

test.each([
  [{ code: 'ENOSPC', syscall: 'write' }, /free some disk space/],
  [{ code: 'EDQUOT', syscall: 'write' }, /free some disk space/],
  [{ code: 'EACCES', syscall: 'mkdir', path: '/x' }, /run this as the user that it belongs to/],
  [{ code: 'EROFS', syscall: 'open', path: '/x' }, /choose another --home/],
  [{ code: 'ENOTDIR', syscall: 'mkdir', path: '/dev/null/x' }, /choose another --home/],
])('a file that cannot be written comes with a fix: %j', (system, fix) => {
  expect(toFailure(Object.assign(new Error('no'), system)).fix).toMatch(fix)
})

test.each([
  { code: 'EACCES', syscall: 'listen', port: 80 },
  { code: 'EACCES', syscall: 'spawn weed', path: 'weed' },
  { code: 'ECONNREFUSED', syscall: 'connect' },
  { code: 'ENOENT', syscall: 'open', path: '/x' },
])('other errors of the system get no fix that is beside the point: %j', (system) => {
  expect(toFailure(Object.assign(new Error('no'), system)).fix).toBeUndefined()
})
