import { describe, expect, it } from 'vitest'
import { isProblem, Problem, type ProblemCode, problem, problems, toProblem } from './index.ts'

/** Clients match on these: a line may be added, and none may change or go. */
const promised: Record<string, number> = {
  'request.invalid': 422,
  'request.parameters-invalid': 400,
  'request.malformed': 400,
  'request.too-large': 413,
  'request.unsupported-media-type': 415,
  'request.not-acceptable': 406,
  'request.timeout': 408,
  'request.header-fields-too-large': 431,
  'route.not-found': 404,
  'route.method-not-allowed': 405,
  'resource.not-found': 404,
  'resource.conflict': 409,
  'resource.gone': 410,
  'precondition.failed': 412,
  'precondition.required': 428,
  'range.not-satisfiable': 416,
  'idempotency.key-invalid': 400,
  'idempotency.key-reused': 422,
  'idempotency.in-progress': 409,
  'rate.limited': 429,
  'auth.required': 401,
  'auth.invalid': 401,
  'auth.expired': 401,
  'auth.revoked': 401,
  'auth.forbidden': 403,
  'auth.scope-missing': 403,
  'auth.sign-in-failed': 401,
  'auth.email-unverified': 403,
  'auth.link-invalid': 401,
  'tenant.required': 400,
  'tenant.mismatch': 403,
  'tenant.slug-taken': 409,
  'tenant.last-owner': 409,
  'file.too-large': 413,
  'file.infected': 422,
  'file.unscannable': 422,
  'file.not-readable': 409,
  'upload.offset-mismatch': 409,
  'upload.locked': 423,
  'upload.version-unsupported': 412,
  'release.same-person': 409,
  'photo.unreadable': 422,
  'photo.unsupported': 422,
  'photo.too-many-pixels': 422,
  'folder.cycle': 409,
  'name.taken': 409,
  'quota.exceeded': 413,
  'job.not-retryable': 409,
  'scanner.unavailable': 503,
  'scanner.no-signatures': 503,
  'storage.unavailable': 503,
  'database.unavailable': 503,
  'redis.unavailable': 503,
  'identity.unavailable': 503,
  'mail.unavailable': 503,
  'service.overloaded': 503,
  'service.timeout': 503,
  'service.draining': 503,
  'service.not-ready': 503,
  'internal.error': 500,
}

describe('the error table', () => {
  it('keeps every code that clients may know, with its status', () => {
    expect(Object.fromEntries(Object.entries(problems).map(([code, { status }]) => [code, status]))).toMatchObject(promised)
  })

  it('is complete in the list of promises', () => {
    expect(Object.keys(problems).filter((code) => promised[code] === undefined)).toEqual([])
  })

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

describe('every problem of the table', () => {
  it.each(Object.entries(problems))('%s has a body that says what the table says', (code, { status, title, retryable }) => {
    const failure = problem(code as ProblemCode)
    expect([failure.status, failure.message, failure.retryable]).toEqual([status, title, retryable])
    expect(failure.details()).toEqual({ type: `/problems/${code}`, title, status, code })
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

  it('lets no extension stand for a member of the standard, and puts them last', () => {
    const details = problem('quota.exceeded', {
      detail: 'full',
      status: 200,
      code: 'name.taken',
      title: 'Fine',
      type: '/x',
      limit: 5,
    }).details()
    expect(details).toEqual({
      type: '/problems/quota.exceeded',
      title: 'The quota of the tenant is used up',
      status: 413,
      code: 'quota.exceeded',
      detail: 'full',
      limit: 5,
    })
    expect(Object.keys(details)).toEqual(['type', 'title', 'status', 'code', 'detail', 'limit'])
  })

  it('says its title once, and nothing of a request that it was not told of', () => {
    expect(problem('resource.not-found').details()).toEqual({
      type: '/problems/resource.not-found',
      title: 'No such resource',
      status: 404,
      code: 'resource.not-found',
    })
    expect(problem('resource.not-found').details({ typeBase: 'https://docs.example/' }).type).toBe(
      'https://docs.example/resource.not-found',
    )
  })

  it('keeps headers, cause and stack for us: they are no part of the body', () => {
    const cause = new Error('10.0.0.5 refused')
    const failure = problem('database.unavailable', { cause, headers: { 'x-hint': 'later' } })
    expect(failure).toMatchObject({ cause, headers: { 'x-hint': 'later' }, extensions: {} })
    expect(failure.stack).toContain('problem.test.ts')
    expect(JSON.stringify(failure.details())).not.toMatch(/10\.0\.0\.5|x-hint/)
  })

  it('points to the invalid fields', () => {
    const errors = [{ pointer: '/query/limit', detail: 'must be at most 100' }]
    expect(problem('request.invalid', { errors }).details().errors).toEqual(errors)
  })

  it('leaks nothing of a 500', () => {
    const cause = new Error('password=hunter2')
    const errors = [{ pointer: '/db1', detail: 'hunter2' }]
    const details = problem('internal.error', { detail: 'connect failed: hunter2', host: 'db1', errors, cause }).details()
    expect(details).toEqual({
      type: '/problems/internal.error',
      title: 'Something failed on our side',
      status: 500,
      code: 'internal.error',
    })
  })

  it('tells when to come back for every 503', () => {
    expect(problem('scanner.unavailable').retryAfter).toBe(5)
    expect(problem('scanner.unavailable', { retryAfter: 30 }).retryAfter).toBe(30)
    expect(problem('resource.not-found').retryAfter).toBeUndefined()
    expect(problem('scanner.unavailable', { retryAfter: 0 }).retryAfter).toBe(0)
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
    for (const thrown of ['text', undefined, null, 0, { code: 'name.taken', status: 409 }]) {
      expect(toProblem(thrown)).toMatchObject({ code: 'internal.error', status: 500, cause: thrown })
    }
  })
})
