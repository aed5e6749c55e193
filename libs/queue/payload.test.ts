import { isProblem } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import { DeclarationError } from './definition.ts'
import { claimedTenant, jobKey, parsePayload, platformTenant, tenantOf } from './payload.ts'
import { keyed, probe } from './probe-queues.fixtures.ts'

const tenantId = '018f0000-0000-7000-8000-00000000000a'

describe('parsePayload', () => {
  it('returns what the schema makes of it', () => {
    expect(parsePayload(probe, { version: 1, name: 'x', extra: true })).toEqual({ version: 1, name: 'x' })
  })

  it('points to every invalid field', () => {
    const parse = () => parsePayload(probe, { version: 2, name: '' })
    expect(parse).toThrow(expect.objectContaining({ code: 'request.invalid' }))
    try {
      parse()
    } catch (error) {
      expect(isProblem(error) && error.errors?.map(({ pointer }) => pointer)).toEqual(['/payload/version', '/payload/name'])
    }
  })
})

describe('jobKey', () => {
  const payload = { version: 1, name: 'dish-7' } as const
  it('is the word of the caller, else of the declaration, else none', () => {
    expect(jobKey(keyed, payload, 'mine')).toBe('mine')
    expect(jobKey(keyed, payload, undefined)).toBe('dish-7')
    expect(jobKey(probe, payload, undefined)).toBeNull()
  })

  it.each(['a:b', '', 'a b', 'a/b', 'ü', 'x'.repeat(201)])('refuses "%s"', (key) => {
    expect(() => jobKey(probe, payload, key)).toThrow(DeclarationError)
  })
})

describe('tenants', () => {
  it('are UUIDs, and without one a job is of the platform', () => {
    expect(tenantOf({ version: 1, tenantId })).toBe(tenantId)
    expect(tenantOf({ version: 1 })).toBe(platformTenant)
    expect(() => tenantOf({ version: 1, tenantId: 'acme' })).toThrow(DeclarationError)
  })

  it.each([null, 'text', {}, { tenantId: 7 }, { tenantId: 'acme' }])('of a broken payload %j are the platform', (payload) => {
    expect(claimedTenant(payload)).toBe(platformTenant)
  })

  it('of a payload that fails otherwise are kept, so that its dead letter is seen by whom it concerns', () => {
    expect(claimedTenant({ tenantId, version: 99 })).toBe(tenantId)
  })
})
