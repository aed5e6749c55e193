import { isScope } from '@slipway/auth'
import { openApiDocument } from '@slipway/http'
import { checkManifests, routeTable } from '@slipway/service'
import { describe, expect, it } from 'vitest'
import { identity } from './service.ts'

describe('the manifest of identity', () => {
  it('fits together', () => {
    expect(() => checkManifests([identity])).not.toThrow()
  })

  it('asks for scopes that exist, and keeps the internal routes to services', () => {
    for (const { contract } of identity.routes) {
      if (typeof contract.auth === 'object') expect(isScope(contract.auth.scope), contract.operation).toBe(true)
      expect(contract.auth === 'service', contract.operation).toBe(contract.internal === true)
    }
  })

  it('limits every route that tries credentials or sends mail, and fails closed', () => {
    const tries = [
      'auth.signUp',
      'auth.signIn',
      'auth.requestMagicLink',
      'auth.consumeMagicLink',
      'auth.confirmEmail',
      'auth.changePassword',
    ]
    for (const operation of tries) {
      expect(identity.routes.find((route) => route.operation === operation)?.contract.rate).toMatchObject({ by: 'ip', failClosed: true })
    }
  })

  it('is documented: every operation has a summary, and every body an example', () => {
    const open = identity.routes.filter((route) => !route.internal)
    const { paths } = openApiDocument(open, { title: identity.title, version: '1.0.0' }) as { paths: Record<string, unknown> }
    for (const { path, contract } of open) {
      expect(paths, contract.operation).toHaveProperty([path, contract.method.toLowerCase(), 'summary'])
      if (contract.body !== undefined) expect(contract.bodyExample, contract.operation).toBeDefined()
    }
  })

  it('is open to nobody but where people come in', () => {
    const open = identity.routes.filter(({ contract }) => contract.auth === 'none').map(({ path }) => path)
    for (const path of open) expect(path).toMatch(/^(\/api\/v1\/auth\/|\/\.well-known\/jwks\.json$)/)
    expect(routeTable([identity]).length).toBeGreaterThan(0)
  })
})
