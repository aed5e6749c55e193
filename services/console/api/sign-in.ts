import { createApi } from './client.ts'
import { session } from './runtime.ts'

const anonymous = createApi()

interface Account {
  readonly email: string
  readonly name: string
  readonly password: string
  readonly invitation: string
}

/** Every way in ends with the session cookie, which no script sees. */
export async function signIn(body: { readonly email: string; readonly password: string }): Promise<void> {
  await anonymous.call('POST /api/v1/auth/sign-in', { body: { ...body, cookie: true }, once: true })
  await session.resume()
}

export async function signUp(body: Account): Promise<void> {
  await anonymous.call('POST /api/v1/auth/sign-up', { body: { ...body, cookie: true }, once: true })
  await session.resume()
}

export async function requestLink(email: string): Promise<void> {
  await anonymous.call('POST /api/v1/auth/magic-link', { body: { email }, once: true })
}

export async function consumeLink(token: string): Promise<void> {
  await anonymous.call('POST /api/v1/auth/magic-link/consume', { body: { token, cookie: true }, once: true })
  await session.resume()
}

export async function confirmEmail(token: string): Promise<void> {
  await anonymous.call('POST /api/v1/auth/confirm-email', { body: { token }, once: true })
}
