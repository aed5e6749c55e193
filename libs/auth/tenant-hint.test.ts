import { describe, expect, it } from 'vitest'
import { isSlug, reservedSlugs, resolveTenantHint } from './index.ts'

const hint = (host?: string, header?: string, baseDomain: string | null = 'slipway.test') => resolveTenantHint({ host, header, baseDomain })

describe('isSlug', () => {
  it.each(['abc', 'a-b', 'acme', '3com', 'a'.repeat(63), 'a--b'])('accepts %s', (slug) => expect(isSlug(slug)).toBe(true))

  it.each(['', 'a', 'ab', '-ab', 'ab-', 'Acme', 'a_b', 'a.b', 'a b', 'äbc', 'xn--abc', 'a'.repeat(64), 'abc\n'])('refuses %j', (slug) =>
    expect(isSlug(slug)).toBe(false),
  )

  it('reserves names of the platform, all of them possible labels', () => {
    for (const name of ['api', 'www', 'admin', 'internal', 'console', 'auth']) expect(reservedSlugs.has(name)).toBe(true)
    for (const name of reservedSlugs) expect(name).toMatch(/^[a-z0-9-]+$/)
  })
})

describe('resolveTenantHint', () => {
  it.each<[string, string | undefined, string | undefined, string | null]>([
    ['a subdomain', 'acme.slipway.test', undefined, 'acme'],
    ['a subdomain with port', 'acme.slipway.test:8443', undefined, 'acme'],
    ['capital letters and a final dot', 'ACME.Slipway.Test.', undefined, 'acme'],
    ['the header on the bare domain', 'slipway.test', 'acme', 'acme'],
    ['both, when they agree', 'acme.slipway.test', 'acme', 'acme'],
    ['neither', 'slipway.test', undefined, null],
    ['an empty header', 'slipway.test', '', null],
    ['a reserved label, which is the platform itself', 'api.slipway.test', 'acme', 'acme'],
    ['a deeper name, which is nobody', 'a.acme.slipway.test', undefined, null],
    ['another domain that ends alike', 'acme.notslipway.test', undefined, null],
    ['another domain that starts alike', 'acme.slipway.test.evil.example', undefined, null],
    ['no host at all', undefined, undefined, null],
  ])('reads %s', (...[, host, header, expected]) => expect(hint(host, header)).toBe(expected))

  it('does not look at the host without a base domain', () => {
    expect(hint('acme.slipway.test', undefined, null)).toBeNull()
    expect(hint('acme.slipway.test', 'other', null)).toBe('other')
  })

  it('refuses a host and a header that differ', () => {
    expect(() => hint('acme.slipway.test', 'other')).toThrow(expect.objectContaining({ code: 'tenant.mismatch' }))
  })

  it.each(['../etc', 'a b', "x' or 1=1", 'a'.repeat(64), '*'])('refuses the header %j', (header) => {
    expect(() => hint('slipway.test', header)).toThrow(
      expect.objectContaining({
        code: 'request.parameters-invalid',
        errors: [{ pointer: '/headers/x-tenant-slug', detail: expect.any(String) }],
      }),
    )
  })
})
