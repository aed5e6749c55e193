import { describe, expect, it } from 'vitest'
import { isProblem, Problem, problem, problems, toProblem } from './index.ts'

describe('the error table', () => {
  it('has lower-case codes that name their room first, and real error statuses', () => {
    for (const [code, definition] of Object.entries(problems)) {
      expect(code).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*$/)
      expect(definition.status).toBeGreaterThanOrEqual(400)
      expect(definition.status).toBeLessThan(600)
      expect(definition.title).not.toMatch(/\.$/)
    }
  })

  it('calls every 503 and 429 retryable and no 500', () => {
    for (const definition of Object.values(problems)) {
      if ([429, 503].includes(definition.status)) expect(definition.retryable).toBe(true)
      if (definition.status === 500) expect(definition.retryable).toBe(false)
    }
  })
})

describe('problem', () => {
  it('renders RFC 9457 members with code, trace and extensions', () => {
    const details = problem('file.too-large', { detail: 'file is 12 bytes, the limit is 10', limit: 10 }).details({
      instance: '/api/v1/files',
      traceId: 'abc',
    })
    expect(details).toEqual({
      type: '/problems/file.too-large',
      title: 'The file is larger than allowed',
      status: 413,
      code: 'file.too-large',
      detail: 'file is 12 bytes, the limit is 10',
      instance: '/api/v1/files',
      traceId: 'abc',
      limit: 10,
    })
  })

  it('points to the invalid fields', () => {
    const errors = [{ pointer: '/query/limit', detail: 'must be at most 100' }]
    expect(problem('request.invalid', { errors }).details().errors).toEqual(errors)
  })

  it('leaks nothing of a 500', () => {
    const cause = new Error('password=hunter2')
    const details = problem('internal.error', { detail: 'connect failed: hunter2', host: 'db1', cause }).details()
    expect(JSON.stringify(details)).not.toMatch(/hunter2|db1/)
  })

  it('tells when to come back for every 503', () => {
    expect(problem('scanner.unavailable').retryAfter).toBe(5)
    expect(problem('scanner.unavailable', { retryAfter: 30 }).retryAfter).toBe(30)
    expect(problem('resource.not-found').retryAfter).toBeUndefined()
  })

  it('is recognised by code', () => {
    const thrown: unknown = problem('name.taken')
    expect(isProblem(thrown)).toBe(true)
    expect(isProblem(thrown, 'name.taken')).toBe(true)
    expect(isProblem(thrown, 'quota.exceeded')).toBe(false)
    expect(isProblem(new Error('name.taken'))).toBe(false)
  })
})

describe('toProblem', () => {
  it('keeps a problem and wraps all else as internal.error with its cause', () => {
    const own = new Problem('rate.limited')
    expect(toProblem(own)).toBe(own)
    const cause = new Error('boom')
    expect(toProblem(cause)).toMatchObject({ code: 'internal.error', status: 500, cause })
    expect(toProblem('text').code).toBe('internal.error')
  })
})
