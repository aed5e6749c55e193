import type { RequestInfo } from '@slipway/http'
import { describe, expect, it } from 'vitest'
import { clearedCookie, refuseForeignOrigin, requireOwnOrigin, sessionCookie, sessionSecret } from './session-credential.ts'

const plain = { publicUrl: 'http://localhost:8800', baseDomain: null }
const secure = { publicUrl: 'https://slipway.example', baseDomain: 'slipway.example' }
const request = (headers: Record<string, string>, method = 'POST') => ({ method, headers }) as unknown as RequestInfo

describe('the session cookie', () => {
  const until = new Date('2027-01-01T00:00:00Z')

  it('is tied to one host where there is https', () => {
    expect(sessionCookie(secure, 'sls_x', until)).toBe(
      '__Host-slipway-session=sls_x; Path=/; HttpOnly; SameSite=Lax; Expires=Fri, 01 Jan 2027 00:00:00 GMT; Secure',
    )
    expect(sessionCookie(plain, 'sls_x', until)).not.toContain('Secure')
    expect(clearedCookie(secure)).toMatch(/^__Host-slipway-session=; .*Max-Age=0; Secure$/)
  })

  it('is found among others, by its exact name', () => {
    const cookie = 'a=b; xslipway-session=no; slipway-session=sls_yes; slipway-session=sls_second'
    expect(sessionSecret(plain, request({ cookie, origin: plain.publicUrl }))).toBe('sls_yes')
    expect(sessionSecret(secure, request({ cookie, origin: secure.publicUrl }))).toBeNull()
    expect(sessionSecret(plain, request({}))).toBeNull()
  })

  it('gives way to the Authorization header', () => {
    const headers = { authorization: 'Bearer sls_header', cookie: 'slipway-session=sls_cookie' }
    expect(sessionSecret(plain, request(headers))).toBe('sls_header')
    expect(() => sessionSecret(plain, request({ ...headers, authorization: 'Bearer eyJ' }))).toThrow(
      expect.objectContaining({ code: 'auth.invalid' }),
    )
  })
})

describe('the origin', () => {
  it.each([
    [secure, 'https://slipway.example', true],
    [secure, 'https://acme.slipway.example', true],
    [secure, 'http://acme.slipway.example', false],
    [secure, 'https://acme.slipway.example:8443', false],
    [secure, 'https://a.b.slipway.example', false],
    [secure, 'https://slipway.example.evil.example', false],
    [secure, 'https://evilslipway.example', false],
    [plain, 'http://acme.localhost:8800', false],
    [plain, 'http://localhost', false],
    [plain, 'null', false],
  ])('%j takes %s: %s', (site, origin, fine) => {
    for (const check of [requireOwnOrigin, refuseForeignOrigin]) {
      const tried = () => check(site, request({ origin }))
      if (fine) expect(tried).not.toThrow()
      else expect(tried).toThrow(expect.objectContaining({ code: 'auth.forbidden' }))
    }
  })

  it('must be known for a cookie, but not for reading', () => {
    expect(() => requireOwnOrigin(plain, request({}))).toThrow(expect.objectContaining({ code: 'auth.forbidden' }))
    expect(() => requireOwnOrigin(plain, request({ 'sec-fetch-site': 'same-site' }))).toThrow(
      expect.objectContaining({ code: 'auth.forbidden' }),
    )
    expect(() => requireOwnOrigin(plain, request({ 'sec-fetch-site': 'same-origin' }))).not.toThrow()
    expect(() => requireOwnOrigin(plain, request({}, 'GET'))).not.toThrow()
    expect(() => refuseForeignOrigin(plain, request({}))).not.toThrow()
  })
})
