import { S3ServiceException } from '@aws-sdk/client-s3'
import { problem } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import { ask, isMissing, storageProblem } from './error.ts'
import { rangeHeader } from './object.ts'

const answer = (httpStatusCode: number, name: string) =>
  new S3ServiceException({ name, $fault: httpStatusCode < 500 ? 'client' : 'server', $metadata: { httpStatusCode } })

describe('storageProblem', () => {
  it.each([
    [404, 'NoSuchKey', 'resource.not-found'],
    [404, 'NotFound', 'resource.not-found'],
    [404, 'NoSuchBucket', 'storage.unavailable'],
    [404, 'NoSuchUpload', 'storage.unavailable'],
    [403, 'AccessDenied', 'storage.unavailable'],
    [412, 'PreconditionFailed', 'precondition.failed'],
    [416, 'InvalidRange', 'range.not-satisfiable'],
    [500, 'InternalError', 'storage.unavailable'],
    [503, 'SlowDown', 'storage.unavailable'],
  ])('%d %s is %s', (status, name, code) => {
    expect(storageProblem(answer(status, name))).toMatchObject({ code })
  })

  it('says when to come back, and keeps the cause for the log', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:9000'), { code: 'ECONNREFUSED' })
    expect(storageProblem(cause)).toMatchObject({ code: 'storage.unavailable', status: 503, retryAfter: 5, cause })
    expect(JSON.stringify(problem('storage.unavailable', { cause }).details())).not.toContain('10.0.0.1')
  })

  it('leaves alone what is no failure of the store', async () => {
    const others = [problem('file.too-large'), new DOMException('gone', 'AbortError'), new TypeError('a fault of ours')]
    for (const other of others) await expect(ask(Promise.reject(other))).rejects.toBe(other)
    expect(await ask(Promise.resolve(1))).toBe(1)
  })
})

describe('isMissing', () => {
  it('is for answers, not for connections', () => {
    expect(isMissing(answer(404, 'NoSuchKey'))).toBe(true)
    expect(isMissing(answer(403, 'AccessDenied'))).toBe(false)
    expect(isMissing(new Error('404'))).toBe(false)
  })
})

describe('rangeHeader', () => {
  it('has the three forms of RFC 9110', () => {
    expect([{ start: 1, end: 2 }, { start: 1 }, { suffix: 2 }].map(rangeHeader)).toEqual(['bytes=1-2', 'bytes=1-', 'bytes=-2'])
  })
})
