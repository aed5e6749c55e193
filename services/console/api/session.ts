import { ApiProblem } from '@slipway/client'
import type { AnswerOf, Me, Role } from './calls.ts'
import { createApi } from './client.ts'

export interface SignedIn {
  readonly status: 'in'
  readonly person: NonNullable<Me['user']> | null
  readonly tenants: Me['tenants']
  readonly tenant: { readonly id: string; readonly slug: string; readonly name: string } | null
  readonly role: Role | null
  readonly isOperator: boolean
}

export type SessionState =
  | { readonly status: 'starting' }
  | { readonly status: 'unreachable' }
  | { readonly status: 'out'; readonly ended?: boolean }
  | SignedIn

type Wanted = { readonly tenant?: string; readonly operator?: boolean }
type Issued = AnswerOf<'POST /api/v1/auth/token'>

const rememberedTenant = 'slipway.tenant'
/** A token is renewed when it would end within this time. */
const marginMilliseconds = 60_000

/**
 * Who is at the console. The session itself is an HttpOnly cookie that no script sees; the access token that it buys is kept in memory
 * only, is for one tenant, and is renewed before it ends.
 */
export function createSession(onChange: () => void) {
  const anonymous = createApi()
  let state: SessionState = { status: 'starting' }
  let wanted: Wanted = {}
  let token: { readonly text: string; readonly expiresAt: number } | null = null
  let renewing: Promise<string> | null = null
  const listeners = new Set<() => void>()

  function become(next: SessionState): void {
    state = next
    for (const listener of listeners) listener()
  }

  async function issue(body: Wanted): Promise<Issued> {
    const issued = await anonymous.call('POST /api/v1/auth/token', { body, once: true })
    token = { text: issued.accessToken, expiresAt: Date.now() + issued.expiresIn * 1000 }
    wanted = body
    return issued
  }

  async function renew(): Promise<string> {
    try {
      return (await issue(wanted)).accessToken
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) leave(true)
      throw error
    }
  }

  /** The access token, fresh enough for a request that begins now. */
  async function currentToken({ fresh }: { fresh: boolean }): Promise<string> {
    if (!fresh && token && token.expiresAt - Date.now() > marginMilliseconds) return token.text
    renewing ??= renew().finally(() => (renewing = null))
    return renewing
  }

  async function enter(wish: Wanted): Promise<void> {
    let issued = await issue(wish)
    const bearer = createApi(() => token?.text ?? '')
    let me = await bearer.call('GET /api/v1/me')
    const first = me.tenants[0]
    if (issued.tenant === null && !wish.operator && first) {
      issued = await issue({ tenant: first.slug })
      me = await bearer.call('GET /api/v1/me')
    }
    if (issued.tenant) localStorage.setItem(rememberedTenant, issued.tenant.slug)
    onChange()
    const { user, tenants, role, kind } = me
    become({ status: 'in', person: user, tenants, tenant: issued.tenant, role, isOperator: kind === 'operator' })
  }

  /** Continues the session of the cookie, if there is one, in the tenant that was used last. */
  async function resume(): Promise<void> {
    const slug = localStorage.getItem(rememberedTenant)
    try {
      await enter(slug === null ? {} : { tenant: slug })
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      if (error.status === 401) return leave(false)
      if (slug === null) throw error
      localStorage.removeItem(rememberedTenant)
      await resume()
    }
  }

  function leave(ended: boolean): void {
    token = null
    wanted = {}
    onChange()
    become({ status: 'out', ended })
  }

  return {
    get: () => state,
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    token: currentToken,
    resume,
    fail: () => become({ status: 'unreachable' }),
    signIn: async (body: { email: string; password: string }) => {
      await anonymous.call('POST /api/v1/auth/sign-in', { body: { ...body, cookie: true }, once: true })
      await resume()
    },
    signUp: async (body: { email: string; name: string; password: string; invitation: string }) => {
      await anonymous.call('POST /api/v1/auth/sign-up', { body: { ...body, cookie: true }, once: true })
      await resume()
    },
    requestLink: (email: string) => anonymous.call('POST /api/v1/auth/magic-link', { body: { email }, once: true }),
    consumeLink: async (linkToken: string) => {
      await anonymous.call('POST /api/v1/auth/magic-link/consume', { body: { token: linkToken, cookie: true }, once: true })
      await resume()
    },
    confirmEmail: (linkToken: string) => anonymous.call('POST /api/v1/auth/confirm-email', { body: { token: linkToken }, once: true }),
    switchTenant: (slug: string) => enter({ tenant: slug }),
    actAsOperator: () => enter({ operator: true }),
    signOut: async () => {
      await anonymous.call('POST /api/v1/auth/sign-out', { once: true })
      leave(false)
    },
  }
}

export type Session = ReturnType<typeof createSession>
