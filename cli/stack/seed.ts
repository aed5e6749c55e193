import { scopes } from '@slipway/auth'
import { Failure } from '../failure.ts'
import type { Home } from '../home.ts'
import type { StackSecrets } from '../secrets.ts'
import { poll } from '../supervisor/poll.ts'
import { ApiClient, ApiFailure } from './api-client.ts'
import { type DevEnv, readDevEnv, writeDevEnv } from './dev-env.ts'

interface SeedOptions {
  home: Home
  url: string
  secrets: StackSecrets
  progress: (text: string) => void
}

const demo = { slug: 'demo', name: 'Demo', email: 'demo@example.com', person: 'Demo Person' } as const

/** Makes what a developer begins with and writes down how to use it. What an earlier start has made, and works, stays. */
export async function seed({ home, url, secrets, progress }: SeedOptions): Promise<void> {
  const known = readDevEnv(home.devEnv)
  if (known && (await works(url, known.SLIPWAY_API_KEY))) return writeDevEnv(home.devEnv, { ...known, SLIPWAY_URL: url })
  progress('making a demo tenant, a person and an API key')
  writeDevEnv(home.devEnv, await makeDemo(url, secrets.get('demo.password')))
}

/**
 * Makes a tenant, a person and an API key through the public API, as anybody would. The tenant and the person may be there already.
 * @throws {Failure} when the person has another password, or no mail comes
 */
export async function makeDemo(url: string, password: string): Promise<DevEnv> {
  const session = await openSession(url, password)
  await ensureTenant(await tokenFor(url, session, {}))
  const client = await tokenFor(url, session, { tenant: demo.slug })
  const { key } = await client.post<{ key: string }>('/api/v1/api-keys', { name: 'slipway', scopes: Object.keys(scopes) })
  return {
    SLIPWAY_URL: url,
    SLIPWAY_TENANT: demo.slug,
    SLIPWAY_EMAIL: demo.email,
    SLIPWAY_PASSWORD: password,
    SLIPWAY_API_KEY: key,
  }
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

/** The session of the demo person, who is made when there is none yet. */
async function openSession(url: string, password: string): Promise<string> {
  const client = new ApiClient(url)
  const account = { email: demo.email, password }
  try {
    await client.post('/api/v1/auth/sign-up', { ...account, name: demo.person })
  } catch (error) {
    if (error instanceof ApiFailure && error.code === 'resource.conflict') return signIn(client, account)
    throw error
  }
  return confirm(client, account)
}

interface Account {
  email: string
  password: string
}

/**
 * Opens the link in a mail to the address and sets the password again: until an address was proven by mail, its password is a
 * stranger's, and the first link that is opened takes it away.
 */
async function confirm(client: ApiClient, { email, password }: Account): Promise<string> {
  await client.post('/api/v1/auth/magic-link', { email })
  const token = await poll(() => linkToken(client, email), { within: 20_000 })
  if (token === null) throw new Failure(`no mail to ${email} came within 20 s`, { fix: 'read `slipway logs identity-worker`' })
  const { sessionToken } = await client.post<{ sessionToken: string }>('/api/v1/auth/magic-link/consume', { token })
  await client.as(sessionToken).post('/api/v1/auth/password', { newPassword: password })
  return sessionToken
}

async function linkToken(client: ApiClient, email: string): Promise<string | null> {
  const { items } = await client.get<{ items: { to: string[]; text: string }[] }>('/dev/mail')
  const texts = items.filter((mail) => mail.to.includes(email)).map((mail) => mail.text)
  return /[#&]kind=magic-link&token=([\w-]+)/.exec(texts.at(-1) ?? '')?.[1] ?? null
}

async function signIn(client: ApiClient, account: Account): Promise<string> {
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
