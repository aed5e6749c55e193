import { Secret } from '@slipway/config'
import { describe, expect, it } from 'vitest'
import { isSensitive, redact } from './redact.ts'

describe('isSensitive', () => {
  it.each([
    'password',
    'Authorization',
    'set-cookie',
    'clientSecret',
    'api_key',
    'X-Api-Key',
    'accessKeyId',
    'S3_SECRET_KEY',
    'refresh_token',
  ])('knows %s', (key) => expect(isSensitive(key)).toBe(true))
  it.each(['name', 'keyId', 'path', 'key', 'passage', 'idempotencyKey'])('lets %s pass', (key) => expect(isSensitive(key)).toBe(false))

  it('knows them however many others, and however long ones, came before', () => {
    const verdicts = Array.from({ length: 5000 }, (_, index) => [isSensitive(`name${index}`), isSensitive(`x-token-${index}`)])
    expect(verdicts.every(([name, token]) => name === false && token === true)).toBe(true)
    for (const _ of [1, 2]) expect([isSensitive('password'), isSensitive('path')]).toEqual([true, false])
    expect(isSensitive(`${'x'.repeat(1000)}Secret`)).toBe(true)
  })
})

describe('redact', () => {
  it('hides what sensitive keys hold at any depth, and changes nothing of the input', () => {
    const input = { user: 'ann', headers: { Cookie: 'a=b' }, list: [{ token: 't' }], credentials: { user: 'x' } }
    const copy = structuredClone(input)
    expect(redact(input)).toEqual({
      user: 'ann',
      headers: { Cookie: '[redacted]' },
      list: [{ token: '[redacted]' }],
      credentials: '[redacted]',
    })
    expect(input).toEqual(copy)
  })

  it('copies only what it has to change, and hides whatever is no number, flag or absence', () => {
    const flat = { method: 'GET', status: 200, tenant: undefined, principal: null, tokenCount: 1 }
    expect(redact(flat)).toBe(flat)
    const call = () => 'hunter2'
    expect(redact({ ...flat, token: 't' })).toEqual({ ...flat, token: '[redacted]' })
    expect(redact({ ...flat, password: call, secret: 1n })).toEqual({ ...flat, password: '[redacted]', secret: '[redacted]' })
    expect(redact({ ...flat, at: { token: 't' } })).toEqual({ ...flat, at: { token: '[redacted]' } })
    expect(JSON.stringify(redact(JSON.parse('{"a":{"__proto__":{"token":"hunter2"}}}')))).not.toContain('hunter2')
  })

  it('keeps numbers, flags and absences, which are no secrets', () => {
    const harmless = { tokenCount: 3, passwordSet: true, cookie: null, secret: undefined }
    expect(redact(harmless)).toEqual(harmless)
  })

  it('tells of errors with their causes and fields', () => {
    const cause = Object.assign(new TypeError('inner'), { password: 'p' })
    const error = Object.assign(new Error('outer', { cause }), { code: 'E1', config: { headers: { authorization: 'Bearer x' } } })
    expect(redact({ err: error })).toEqual({
      err: {
        type: 'Error',
        message: 'outer',
        stack: expect.stringContaining('outer') as string,
        code: 'E1',
        config: { headers: { authorization: '[redacted]' } },
        cause: { type: 'TypeError', message: 'inner', stack: expect.any(String) as string, password: '[redacted]' },
      },
    })
  })

  it('stops at circles and leaves alone what has its own JSON form', () => {
    const circle: Record<string, unknown> = { name: 'loop' }
    circle.self = circle
    expect(JSON.stringify(redact(circle))).toContain('[too deep]')
    const at = new Date(0)
    const value = redact({ at, url: new URL('http://a/'), secret: new Secret('hunter2'), bytes: Buffer.from('x') })
    expect(value).toMatchObject({ at, url: new URL('http://a/'), secret: '[redacted]' })
    expect(JSON.stringify(redact({ holder: new Secret('hunter2') }))).toBe('{"holder":"[secret]"}')
    expect(redact('text')).toBe('text')
    expect(redact(null)).toBeNull()
  })
})
