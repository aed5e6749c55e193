import { keySetDocument, resolveTenantHint } from '@slipway/auth'
import { reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { publicKeySet } from '../domain/signing-keys.ts'
import { issueToken } from '../domain/tokens.ts'
import { Id, ids, Role, Slug } from './representation.ts'
import { renewedCookie, requireSession } from './session-credential.ts'

const route = routesFor<IdentityContext>()

const AccessToken = z.object({
  accessToken: z.string().describe('JWT for Authorization: Bearer'),
  tokenType: z.literal('Bearer'),
  expiresIn: z.number().int().describe('Seconds'),
  tenant: z.object({ id: Id, slug: z.string(), name: z.string() }).nullable(),
  role: Role.nullable(),
})

export const issueTokenRoute = route(
  {
    method: 'POST',
    path: '/api/v1/auth/token',
    operation: 'auth.token',
    summary: 'Buy an access token with a session',
    description:
      'By session token (`Authorization: Bearer sls_…`) or cookie. The token is for one tenant: the one that is named, else the one of the ' +
      'host name. Without a tenant it is good for making one and for accepting invitations.',
    tags: ['sign-in'],
    auth: 'none',
    body: z.strictObject({
      tenant: Slug.optional(),
      scopes: z.array(z.string().max(64)).max(50).optional().describe('Limits the token to these'),
      operator: z.boolean().default(false).describe('Act as operator of the platform, not as member'),
    }),
    bodyExample: { tenant: 'acme' },
    responses: {
      200: {
        description: 'Good for 15 minutes',
        schema: AccessToken,
        example: {
          accessToken: 'eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl',
          tokenType: 'Bearer',
          expiresIn: 900,
          tenant: { id: ids.tenant, slug: 'acme', name: 'Acme' },
          role: 'owner',
        },
        headers: { 'set-cookie': 'The session cookie, if it came as one: it lives on like the session' },
      },
    },
    problems: ['auth.required', 'auth.invalid', 'auth.expired', 'auth.forbidden', 'tenant.mismatch', 'resource.not-found'],
  },
  async ({ body, request }, context) => {
    const session = await requireSession(context, request)
    const header = request.headers['x-tenant-slug']
    const hint = resolveTenantHint({ host: request.host, header: header?.toString(), baseDomain: context.baseDomain })
    const token = await issueToken(context, session, { tenant: body.tenant ?? hint, operator: body.operator, scopes: body.scopes, request })
    return reply(200, { ...token, tokenType: 'Bearer' as const }, { headers: renewedCookie(context, request, session) })
  },
)

const keySet = {
  method: 'GET',
  summary: 'Public keys of access tokens (RFC 7517)',
  tags: ['sign-in'],
  responses: {
    200: {
      description: 'The key set',
      schema: keySetDocument,
      headers: { 'cache-control': 'Keys are published ten minutes before they sign' },
    },
  },
} as const

const cacheable = { headers: { 'cache-control': 'public, max-age=300' } }

export const keySetRoute = route({ ...keySet, path: '/api/v1/auth/jwks', operation: 'auth.jwks', auth: 'none' }, async (_input, context) =>
  reply(200, await context.database.transaction(publicKeySet), cacheable),
)

export const wellKnownKeySetRoute = route(
  { ...keySet, path: '/.well-known/jwks.json', operation: 'auth.wellKnownJwks', auth: 'none' },
  async (_input, context) => reply(200, await context.database.transaction(publicKeySet), cacheable),
)

export const internalKeySetRoute = route(
  { ...keySet, path: '/internal/v1/jwks', operation: 'auth.internalJwks', auth: 'service', internal: true },
  async (_input, context) => reply(200, await context.database.transaction(publicKeySet)),
)
