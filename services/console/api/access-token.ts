import type { AnswerOf } from './calls.ts'
import type { Api } from './client.ts'

/** For whom a token is: nothing = whoever the host name says, or nobody. */
export interface Wanted {
  readonly tenant?: string
  readonly operator?: boolean
}

/** A token with the tenant that it is for. */
export interface Bearer {
  readonly text: string
  readonly tenantId: string | null
}

type Issued = AnswerOf<'POST /api/v1/auth/token'>

/** A token is renewed when it would end within this time. */
const marginMilliseconds = 60_000

/** The access token that the session cookie buys: kept in memory only, for one tenant, renewed before it ends. */
export function createAccessToken(anonymous: Pick<Api, 'call'>, now: () => number = Date.now) {
  let wanted: Wanted = {}
  let held: (Bearer & { readonly expiresAt: number }) | null = null
  let renewing: Promise<Issued> | null = null
  let asked = 0

  /** Only what was asked for last is kept: a renewal that is late must not bring back a tenant, or a person, that has been left. */
  async function issue(body: Wanted): Promise<Issued> {
    const own = ++asked
    const issued = await anonymous.call('POST /api/v1/auth/token', { body, once: true })
    if (own === asked) {
      held = { text: issued.accessToken, tenantId: issued.tenant?.id ?? null, expiresAt: now() + issued.expiresIn * 1000 }
      wanted = body
    }
    return issued
  }

  return {
    issue,
    held: (): Bearer | null => held,
    isFresh: () => held !== null && held.expiresAt - now() > marginMilliseconds,
    /** However many requests begin at once, one token is bought. */
    renew: async () => {
      renewing ??= issue(wanted).finally(() => (renewing = null))
      return (await renewing).accessToken
    },
    drop: () => {
      asked++
      held = null
      wanted = {}
    },
  }
}
