import { call, expectStatus, here, unique, until } from './client.ts'

interface Session {
  sessionToken: string
  user: { id: string }
}

export interface Tenant {
  id: string
  slug: string
  name: string
}

/** A new person with an account, or null where sign-up is not open to all. */
export async function newPerson(): Promise<{ email: string; password: string; session: string; id: string } | null> {
  const email = unique('e2e@example.com')
  const password = unique('passphrase of a black-box test')
  const answer = await call('POST', '/api/v1/auth/sign-up', { as: null, json: { email, password, name: 'Black Box' } })
  if (answer.status === 403 || answer.status === 202) return null
  const { sessionToken, user } = await expectStatus<Session>(answer, 201)
  return { email, password, session: sessionToken, id: user.id }
}

/** The session of the person in the environment. */
export async function signIn(): Promise<string> {
  const { email, password } = here
  return (await expectStatus<Session>(call('POST', '/api/v1/auth/sign-in', { as: null, json: { email, password } }), 200)).sessionToken
}

export async function tokenFor(session: string, tenant?: string): Promise<string> {
  const json = tenant === undefined ? {} : { tenant }
  return (await expectStatus<{ accessToken: string }>(call('POST', '/api/v1/auth/token', { as: session, json }), 200)).accessToken
}

/** A new tenant whose owner holds the session, and the owner's token for it. */
export async function newTenant(session: string): Promise<Tenant & { token: string }> {
  const slug = `e2e-${unique('t').replace('-t', '')}`
  const json = { slug, name: 'Black Box' }
  const tenant = await expectStatus<Tenant>(call('POST', '/api/v1/tenants', { as: await tokenFor(session), json }), 201)
  return { ...tenant, token: await tokenFor(session, slug) }
}

/** An API key of the token's tenant. */
export async function newKey(token: string, scopes: readonly string[]): Promise<{ id: string; key: string }> {
  return expectStatus(call('POST', '/api/v1/api-keys', { as: token, json: { name: unique('e2e'), scopes } }), 201)
}

interface Mail {
  id: string
  to: string[]
  text: string
}

export async function mailsTo(email: string): Promise<Mail[]> {
  const { items } = await expectStatus<{ items: Mail[] }>(call('GET', '/dev/mail', { as: null }), 200)
  return items.filter((mail) => mail.to.includes(email))
}

/** The token in the link of a mail to this address that was not there before. */
export async function linkTokenTo(email: string, before: readonly Mail[] = []): Promise<string | undefined> {
  const known = new Set(before.map((mail) => mail.id))
  const fresh = (await mailsTo(email)).filter((mail) => !known.has(mail.id))
  return /token=([\w-]+)/.exec(fresh.at(-1)?.text ?? '')?.[1]
}

/** A new person who has come into the tenant by invitation, with a token for it; null where that takes a mailbox of our own. */
export async function newMember(tenant: Tenant & { token: string }, role: string): Promise<{ id: string; token: string } | null> {
  const person = await newPerson()
  const mails = await call('GET', '/dev/mail', { as: null })
  if (!person || mails.status !== 200) return null
  await expectStatus(call('POST', '/api/v1/invitations', { as: tenant.token, json: { email: person.email, role } }), 201)
  const token = await until(() => linkTokenTo(person.email))
  const accepted = await call('POST', '/api/v1/invitations/accept', { as: await tokenFor(person.session), json: { token } })
  if (!accepted.ok) throw new Error(`the invitation was answered with ${accepted.status}: ${await accepted.text()}`)
  return { id: person.id, token: await tokenFor(person.session, tenant.slug) }
}
