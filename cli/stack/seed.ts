import { scopes } from '@slipway/auth'
import { Failure } from '../failure.ts'
import type { Home } from '../home.ts'
import type { StackSecrets } from '../secrets.ts'
import { ApiClient, ApiFailure } from './api-client.ts'
import { readDevEnv, writeDevEnv } from './dev-env.ts'

interface SeedOptions {
  home: Home
  url: string
  secrets: StackSecrets
  progress: (text: string) => void
}

const demo = { slug: 'demo', name: 'Demo', email: 'demo@example.com', person: 'Demo Person' } as const

/**
 * Makes a tenant, a person and an API key through the public API, as anybody would, and writes down how to use them. What an earlier
 * start has made, and works, stays.
 */
export async function seed({ home, url, secrets, progress }: SeedOptions): Promise<void> {
  const known = readDevEnv(home.devEnv)
  if (known && (await works(url, known.SLIPWAY_API_KEY))) return writeDevEnv(home.devEnv, { ...known, SLIPWAY_URL: url })
  progress('making a demo tenant, a person and an API key')
  const password = secrets.get('demo.password')
  const session = await openSession(new ApiClient(url), password)
  await ensureTenant(await tokenFor(url, session, {}))
  const client = await tokenFor(url, session, { tenant: demo.slug })
  const { key } = await client.post<{ key: string }>('/api/v1/api-keys', { name: 'slipway up', scopes: Object.keys(scopes) })
  writeDevEnv(home.devEnv, {
    SLIPWAY_URL: url,
    SLIPWAY_TENANT: demo.slug,
    SLIPWAY_EMAIL: demo.email,
    SLIPWAY_PASSWORD: password,
    SLIPWAY_API_KEY: key,
  })
}

async function works(url: string, key: string): Promise<boolean> {
  try {
    await new ApiClient(url, key).get('/api/v1/me')
    return true
  } catch (error) {
    if (error instanceof ApiFailure && error.status < 500) return false
    throw error
  }
}

async function openSession(client: ApiClient, password: string): Promise<string> {
  const account = { email: demo.email, password }
  try {
    const { sessionToken } = await client.post<{ sessionToken: string }>('/api/v1/auth/sign-up', { ...account, name: demo.person })
    return sessionToken
  } catch (error) {
    if (!(error instanceof ApiFailure) || error.code !== 'resource.conflict') throw error
  }
  try {
    return (await client.post<{ sessionToken: string }>('/api/v1/auth/sign-in', account)).sessionToken
  } catch (error) {
    throw new Failure(`the demo person ${demo.email} cannot sign in: ${(error as Error).message}`, {
      fix: 'its password was changed; put a working API key into dev.env, or begin anew with `slipway reset`',
      cause: error,
    })
  }
}

async function tokenFor(url: string, session: string, body: { tenant?: string }): Promise<ApiClient> {
  const { accessToken } = await new ApiClient(url, session).post<{ accessToken: string }>('/api/v1/auth/token', body)
  return new ApiClient(url, accessToken)
}

async function ensureTenant(client: ApiClient): Promise<void> {
  const { items } = await client.get<{ items: { slug: string }[] }>('/api/v1/tenants')
  if (!items.some((tenant) => tenant.slug === demo.slug)) await client.post('/api/v1/tenants', { slug: demo.slug, name: demo.name })
}
