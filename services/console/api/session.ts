import { ApiProblem } from '@slipway/client'
import { type Bearer, createAccessToken, type Wanted } from './access-token.ts'
import type { Me, Role } from './calls.ts'
import { createApi } from './client.ts'
import { createStore } from './store.ts'

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

const rememberedTenant = 'slipway.tenant'

/** Who is at the console. The session itself is an HttpOnly cookie that no script sees. */
export function createSession(onChange: (change: 'entered' | 'left') => void) {
  const anonymous = createApi()
  const token = createAccessToken(anonymous)
  const bearer = createApi(() => token.held()?.text ?? '')
  const state = createStore<SessionState>({ status: 'starting' })

  async function enter(wish: Wanted): Promise<void> {
    let issued = await token.issue(wish)
    let me = await bearer.call('GET /api/v1/me')
    const first = me.tenants[0]
    if (issued.tenant === null && !wish.operator && first) {
      issued = await token.issue({ tenant: first.slug })
      me = await bearer.call('GET /api/v1/me')
    }
    if (issued.tenant) localStorage.setItem(rememberedTenant, issued.tenant.slug)
    const { user, tenants, role, kind } = me
    state.set({ status: 'in', person: user, tenants, tenant: issued.tenant, role, isOperator: kind === 'operator' })
    onChange('entered')
  }

  /** Continues the session of the cookie, if there is one, in the tenant that was used last. */
  async function resume(): Promise<void> {
    const slug = localStorage.getItem(rememberedTenant)
    try {
      await enter(slug === null ? {} : { tenant: slug })
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      if (error.status === 401) return leave(false)
      if (slug === null || error.retryable) throw error
      localStorage.removeItem(rememberedTenant)
      await resume()
    }
  }

  function leave(ended: boolean): void {
    token.drop()
    state.set({ status: 'out', ended })
    onChange('left')
  }

  /** The access token, good for a request that begins now. @throws ApiProblem when the session has ended */
  async function freshToken({ fresh }: { readonly fresh: boolean }): Promise<string> {
    const held = token.held()
    if (!fresh && held && token.isFresh()) return held.text
    return await token.renew().catch((error: unknown) => {
      if (error instanceof ApiProblem && error.status === 401) leave(true)
      throw error
    })
  }

  return {
    state,
    resume,
    fail: () => state.set({ status: 'unreachable' }),
    token: freshToken,
    /** The same with its tenant: for what must not land in another one. Null when somebody has left meanwhile. */
    bearer: async (): Promise<Bearer | null> => {
      await freshToken({ fresh: false })
      return token.held()
    },
    switchTenant: (slug: string) => enter({ tenant: slug }),
    actAsOperator: () => enter({ operator: true }),
    signOut: async () => {
      await anonymous.call('POST /api/v1/auth/sign-out', { once: true })
      leave(false)
    },
  }
}
