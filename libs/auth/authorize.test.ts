import { isProblem, type ProblemCode } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import { authorize, isScope, type Principal, type Requirement, roleReaches, scopes, tenantRoles } from './index.ts'

const tenant = { id: '0190a000-0000-7000-8000-000000000001', slug: 'acme' }
const user = (role: Principal['role'] = 'member'): Principal => ({
  kind: 'user',
  id: 'u',
  tenant,
  ...(role ? { role } : {}),
  scopes: ['*'],
})
const key = (...granted: string[]): Principal => ({ kind: 'key', id: 'k', keyId: 'k', tenant, role: 'owner', scopes: granted })
const roaming: Principal = { kind: 'user', id: 'u', scopes: ['*'] }
const service: Principal = { kind: 'service', id: 'files', scopes: [] }
const operator: Principal = { kind: 'operator', id: 'o', scopes: ['*'] }

function verdict(principal: Principal | null, requirement: Requirement, hint: string | null = null): ProblemCode | 'passes' {
  try {
    authorize(principal, requirement, hint)
    return 'passes'
  } catch (error) {
    if (isProblem(error)) return error.code
    throw error
  }
}

describe('authorize', () => {
  it('lets a role do what weaker roles may, and nothing more', () => {
    for (const [held, role] of tenantRoles.entries()) {
      for (const [asked, needed] of tenantRoles.entries()) {
        const expected = held <= asked ? 'passes' : 'auth.forbidden'
        expect(verdict(user(role), { role: needed, scope: 'files:read' }), `${role} for ${needed}`).toBe(expected)
      }
    }
  })

  it.each<[string, Principal | null, Requirement, ProblemCode | 'passes']>([
    ['nobody passes where nothing is asked', null, 'none', 'passes'],
    ['nobody is stopped elsewhere', null, 'principal', 'auth.required'],
    ['nobody is stopped at roles', null, { role: 'viewer', scope: 'files:read' }, 'auth.required'],
    ['a person without tenant is a principal', roaming, 'principal', 'passes'],
    ['a person without tenant has no role', roaming, { role: 'viewer', scope: 'files:read' }, 'tenant.required'],
    ['a key is a principal', key(), 'principal', 'passes'],
    ['a key with the scope passes', key('files:read'), { role: 'viewer', scope: 'files:read' }, 'passes'],
    ['a key with another scope does not', key('files:read'), { role: 'viewer', scope: 'files:write' }, 'auth.scope-missing'],
    [
      'a scope is not matched by its beginning',
      key('files:read-all', 'files'),
      { role: 'viewer', scope: 'files:read' },
      'auth.scope-missing',
    ],
    [
      'a scope does not make up for the role',
      { ...key('files:write'), role: 'viewer' },
      { role: 'member', scope: 'files:write' },
      'auth.forbidden',
    ],
    ['a key is no operator', key('*'), 'operator', 'auth.forbidden'],
    ['an owner is no operator', user('owner'), 'operator', 'auth.forbidden'],
    ['an operator is one', operator, 'operator', 'passes'],
    ['an operator without tenant has no role in any', operator, { role: 'viewer', scope: 'files:read' }, 'tenant.required'],
    [
      'an operator in a tenant has the role of the token',
      { ...operator, tenant, role: 'admin' },
      { role: 'admin', scope: 'files:read' },
      'passes',
    ],
    ['a service passes on internal routes', service, 'service', 'passes'],
    ['a service is no principal', service, 'principal', 'auth.forbidden'],
    ['a service has no role', { ...service, tenant, role: 'owner' }, { role: 'viewer', scope: 'files:read' }, 'auth.forbidden'],
    ['an owner is no service', user('owner'), 'service', 'auth.forbidden'],
  ])('%s', (...[, principal, requirement, expected]) => {
    expect(verdict(principal, requirement)).toBe(expected)
  })

  it('wants the tenant of the request to be the one of the credentials', () => {
    expect(verdict(user(), { role: 'viewer', scope: 'files:read' }, 'acme')).toBe('passes')
    expect(verdict(user('owner'), { role: 'viewer', scope: 'files:read' }, 'other')).toBe('tenant.mismatch')
    expect(verdict(user(), 'principal', 'other')).toBe('tenant.mismatch')
    expect(verdict(roaming, 'principal', 'other')).toBe('passes')
    expect(verdict(null, 'none', 'other')).toBe('passes')
  })

  it('challenges who comes without credentials (RFC 9110 §11.6.1)', () => {
    expect(() => authorize(null, 'principal', null)).toThrow(
      expect.objectContaining({ status: 401, headers: { 'www-authenticate': expect.stringMatching(/^Bearer /) } }),
    )
  })
})

describe('roles and scopes', () => {
  it('orders roles from owner to viewer', () => {
    expect(tenantRoles).toEqual(['owner', 'admin', 'member', 'viewer'])
    expect(roleReaches('viewer', 'owner')).toBe(false)
    expect(roleReaches('owner', 'owner')).toBe(true)
  })

  it('knows its scopes, and no names that objects inherit', () => {
    for (const scope of Object.keys(scopes)) expect(scope).toMatch(/^[a-z]+:[a-z]+$/)
    expect(isScope('files:read')).toBe(true)
    expect(isScope('toString')).toBe(false)
    expect(isScope('*')).toBe(false)
  })
})
