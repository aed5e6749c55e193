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
