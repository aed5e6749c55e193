import type { AnswerOf } from './calls.ts'
import type { Api } from './client.ts'

/** For whom a token is: nothing = whoever the host name says, or nobody. */
export interface Wanted {
  readonly tenant?: string
  readonly operator?: boolean
}

type Issued = AnswerOf<'POST /api/v1/auth/token'>

/** A token is renewed when it would end within this time. */
const marginMilliseconds = 60_000

/** The access token that the session cookie buys: kept in memory only, for one tenant, renewed before it ends. */
export function createAccessToken(anonymous: Api) {
  let wanted: Wanted = {}
  let held: { readonly text: string; readonly expiresAt: number } | null = null
  let renewing: Promise<Issued> | null = null

  async function issue(body: Wanted): Promise<Issued> {
    const issued = await anonymous.call('POST /api/v1/auth/token', { body, once: true })
    held = { text: issued.accessToken, expiresAt: Date.now() + issued.expiresIn * 1000 }
    wanted = body
    return issued
  }

  return {
    issue,
    text: () => held?.text ?? '',
    isFresh: () => held !== null && held.expiresAt - Date.now() > marginMilliseconds,
    /** However many requests begin at once, one token is bought. */
    renew: async () => {
      renewing ??= issue(wanted).finally(() => (renewing = null))
      return (await renewing).accessToken
    },
    drop: () => {
      held = null
      wanted = {}
    },
  }
}
