import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import { z } from 'zod'

/** The API that all servers of the comparison have: one route, `GET /api/v1/dishes/{id}?limit=…`. */
export const issuer = 'https://bench.test'
export const audience = 'slipway'
export const tenant = { id: '0190a000-0000-7000-8000-000000000001', slug: 'acme' }

export const Params = z.object({ id: z.uuid() })
export const Query = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) })
export const Dish = z.object({
  id: z.uuid(),
  tenant: z.string(),
  name: z.string(),
  description: z.string(),
  price: z.object({ amount: z.number().int(), currency: z.string() }),
  tags: z.array(z.string()),
  limit: z.number(),
})

export function dishOf(id: string, limit: number): z.output<typeof Dish> {
  return {
    id,
    tenant: tenant.slug,
    name: 'Tagliatelle al ragù',
    description: 'Fresh pasta with beef that was braised for six hours, and a little milk',
    price: { amount: 1450, currency: 'EUR' },
    tags: ['pasta', 'beef', 'gluten', 'milk', 'celery'],
    limit,
  }
}

export interface Callers {
  /** PEM and JWK of the same public key. */
  readonly pem: string
  readonly jwk: { readonly kty: string; readonly kid: string; readonly alg: string }
  readonly tokens: readonly string[]
}

/** Users with a token each, as identity would sign it. */
export async function makeCallers(count: number): Promise<Callers> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const jwk = { ...((await exportJWK(publicKey)) as { kty: string }), kid: 'bench', alg: 'EdDSA' }
  const tokens = await Promise.all(Array.from({ length: count }, (_, index) => sign(privateKey, index)))
  return { pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), jwk, tokens }
}

function sign(key: KeyObject, user: number): Promise<string> {
  const now = Date.now()
  const claims = {
    sub: `user-${user}`,
    sid: `session-${user}`,
    tenant: tenant.id,
    tenant_slug: tenant.slug,
    role: 'member',
    iat: Math.floor(now / 1000),
    iat_ms: now,
    exp: Math.floor(now / 1000) + 3600,
  }
  return new SignJWT({ ...claims, iss: issuer, aud: audience }).setProtectedHeader({ alg: 'EdDSA', kid: 'bench' }).sign(key)
}

export function requestsOf({ tokens }: Callers, path = `/api/v1/dishes/${tenant.id}?limit=20`): string[] {
  return tokens.map(
    (token) => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\nauthorization: Bearer ${token}\r\n\r\n`,
  )
}

/** Keeps the only thread of a process from doing anything else. */
export function busy(milliseconds: number): void {
  if (milliseconds === 0) return
  for (const until = performance.now() + milliseconds; performance.now() < until; );
}
