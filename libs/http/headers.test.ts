import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fingerprintOf, parseIdempotencyKey } from './idempotency.ts'
import { decodeCursor, encodeCursor, isNotModified, page, pageQuery, requireIfMatch, requiresAbsence, strongEtag } from './index.ts'
import { networkOf } from './rate-limit.ts'
import { sealFor } from './seal.ts'

describe('cursors', () => {
  const position = z.tuple([z.string(), z.uuid()])
  const id = '019aa5a0-0000-7000-8000-000000000001'

  it('bring a position back', () => {
    const cursor = encodeCursor(['Ärger', id])
    expect(cursor).toMatch(/^[\w-]+$/)
    expect(decodeCursor(cursor, position)).toEqual(['Ärger', id])
    expect(decodeCursor(undefined, position)).toBeNull()
    expect(decodeCursor(encodeCursor(['\\u0000', id]), position)).toEqual(['\\u0000', id])
  })

  it.each([
    ['of another list', encodeCursor([1])],
    ['cut short', encodeCursor(['a', id]).slice(0, -4)],
    ['not base64url', 'a+/='],
    ['not JSON', Buffer.from('{').toString('base64url')],
    ['with a NUL in it', encodeCursor(['a\0', id])],
  ])('%s are refused', (_name, cursor) => {
    expect(() => decodeCursor(cursor, position)).toThrow(
      expect.objectContaining({ code: 'request.parameters-invalid', errors: [expect.objectContaining({ pointer: '/query/cursor' })] }),
    )
  })

  it('are given as long as there is more', () => {
    const cursorOf = (item: number) => item
    expect(page({ items: [1, 2, 3], limit: 2, cursorOf })).toEqual({ items: [1, 2], nextCursor: encodeCursor(2) })
    expect(page({ items: [1, 2], limit: 2, cursorOf })).toEqual({ items: [1, 2], nextCursor: null })
    expect(page({ items: [], limit: 2, cursorOf })).toEqual({ items: [], nextCursor: null })
  })

  it('page by 50, between 1 and 100', () => {
    const query = z.object(pageQuery)
    expect(query.parse({})).toEqual({ limit: 50 })
    expect(query.safeParse({ limit: '100' }).success).toBe(true)
    for (const limit of ['0', '101', '1.5', 'x', '']) expect(query.safeParse({ limit }).success).toBe(false)
  })
})

describe('entity tags', () => {
  const etag = strongEtag(7)

  it('are quoted; what would not fit is hashed', () => {
    expect(etag).toBe('"7"')
    expect(strongEtag('a "b"')).toMatch(/^"[\w-]{43}"$/)
  })

  it('compare weakly for reading', () => {
    const has = (header: string) => isNotModified({ headers: { 'if-none-match': header } }, etag)
    expect([has('"7"'), has('W/"7"'), has('"1", "7"'), has('*')]).toEqual([true, true, true, true])
    expect([has('"77"'), has('7'), isNotModified({ headers: {} }, etag)]).toEqual([false, false, false])
  })

  it('compare strongly for writing', () => {
    const check = (header?: string) => () => requireIfMatch({ headers: header === undefined ? {} : { 'if-match': header } }, etag)
    expect(check('"7"')).not.toThrow()
    expect(check('"1", "7"')).not.toThrow()
    expect(check('*')).not.toThrow()
    expect(check('W/"7"')).toThrow(expect.objectContaining({ code: 'precondition.failed', headers: { etag } }))
    expect(check('"8"')).toThrow(expect.objectContaining({ status: 412 }))
    expect(check()).toThrow(expect.objectContaining({ status: 428 }))
    expect(() => requireIfMatch({ headers: {} }, etag, { optional: true })).not.toThrow()
  })

  it.each<[string, boolean, boolean]>([
    // header, may be read from the cache, may be written
    ['"7"', true, true],
    ['  "7"  ', true, true],
    ['"7","8"', true, true],
    ['"8" , W/"7"', true, false],
    ['W/"8", "7"', true, true],
    ['"a,b", "7"', true, true],
    ['"a,"7""', false, false],
    ['"7', false, false],
    ["'7'", false, false],
    ['w/"7"', true, true],
    ['""', false, false],
    ['"7 "', false, false],
    [' * ', true, true],
    ['"*"', false, false],
    ['*, "8"', false, false],
    ['', false, false],
    [`${'"x",'.repeat(2000)}"7"`, true, true],
  ])('in a list: %s', (header, readable, writable) => {
    expect(isNotModified({ headers: { 'if-none-match': header } }, etag)).toBe(readable)
    const write = () => requireIfMatch({ headers: { 'if-match': header } }, etag)
    if (writable) expect(write).not.toThrow()
    else expect(write).toThrow(expect.objectContaining({ code: 'precondition.failed', headers: { etag } }))
  })

  it('of a weak version allow no writing at all, except to whoever takes any', () => {
    const check = (header: string) => () => requireIfMatch({ headers: { 'if-match': header } }, 'W/"7"')
    expect(check('W/"7"')).toThrow(expect.objectContaining({ status: 412 }))
    expect(check('"7"')).toThrow(expect.objectContaining({ status: 412 }))
    expect(check('*')).not.toThrow()
    expect(isNotModified({ headers: { 'if-none-match': '"7"' } }, 'W/"7"')).toBe(true)
  })

  it('of different versions differ, whatever they are made of', () => {
    const versions = [1, '1 ', '', ' ', '"', 'é', 'x'.repeat(128), 'x'.repeat(129), 'x'.repeat(130)]
    const tags = versions.map(strongEtag)
    expect(new Set(tags).size).toBe(versions.length)
    for (const tag of tags) expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/)
  })

  it('can ask that nothing is there yet', () => {
    expect(requiresAbsence({ headers: { 'if-none-match': '*' } })).toBe(true)
    expect(requiresAbsence({ headers: { 'if-none-match': '"1"' } })).toBe(false)
  })
})

describe('idempotency keys', () => {
  it.each([
    ['"8e03978e-40d5"', '8e03978e-40d5'],
    ['8e03978e-40d5', '8e03978e-40d5'],
    [' bare ', 'bare'],
    ['"a \\"b\\" \\\\"', 'a "b" \\'],
    [`"${'k'.repeat(255)}"`, 'k'.repeat(255)],
  ])('%s', (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key)
  })

  it.each(['', '""', '"open', 'a"b', 'ümlaut', 'k'.repeat(256), 'a, b'])('refuses %j', (header) => {
    expect(() => parseIdempotencyKey(header)).toThrow(
      expect.objectContaining({
        code: 'idempotency.key-invalid',
        errors: [expect.objectContaining({ pointer: '/headers/idempotency-key' })],
      }),
    )
  })

  it('fingerprints mean the same for the same members in another order', () => {
    expect(fingerprintOf({ a: 1, b: [{ c: 'x', d: null }] })).toBe(fingerprintOf({ b: [{ d: null, c: 'x' }], a: 1 }))
    const others = [{ a: 1 }, { a: '1' }, { a: [1] }, { a: null }, {}, { a: { 1: 1 } }]
    expect(new Set(others.map(fingerprintOf)).size).toBe(others.length)
  })
})

describe('seals', () => {
  const scope = { tenantId: 't', principal: 'user:1', method: 'POST', route: '/x', key: 'secret-key' }

  it('open with the same key and scope only', () => {
    const sealed = sealFor(scope).close('the answer')
    expect(sealed.toString('latin1')).not.toContain('answer')
    expect(sealFor(scope).open(sealed)).toBe('the answer')
    expect(() => sealFor({ ...scope, key: 'other' }).open(sealed)).toThrow()
    expect(() => sealFor({ ...scope, principal: 'user:2' }).open(sealed)).toThrow()
    expect(sealFor(scope).keyId.toString('latin1')).not.toContain('secret')
  })

  it('show tampering', () => {
    const sealed = sealFor(scope).close('the answer')
    sealed.writeUInt8(sealed.readUInt8(sealed.length - 1) ^ 1, sealed.length - 1)
    expect(() => sealFor(scope).open(sealed)).toThrow()
  })
})

describe('networks', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['1:2:3::8', '1:2:3:0::/64'],
    ['1::4:5:6:7:8', '1:0:0:4::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['', ''],
    ['unix', 'unix'],
  ])('%s counts as %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network)
  })
})
