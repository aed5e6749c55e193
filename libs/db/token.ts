import { Signer } from '@aws-sdk/rds-signer'

/** Who signs in, and where: a token counts for just that. */
export interface SignIn {
  readonly host: string
  readonly port: number
  readonly user: string
}

/** Gives what stands in place of a password; asked for every new connection, as a token lives for minutes only. */
export type TokenSource = (signIn: SignIn) => Promise<string>

/** No token: like a server that cannot be reached, it may be there a moment later. */
export class TokenError extends Error {
  readonly code = 'ETOKEN'

  constructor({ user, host }: SignIn, cause: unknown) {
    super(`no token for ${user} at ${host}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/**
 * IAM authentication of Amazon RDS and Aurora: the pod's own identity signs, and no request to AWS is made but for that identity. A token
 * is good for 15 minutes, and for roles that are members of `rds_iam`. The host must be that of the endpoint, not another name of it.
 */
export function awsTokens({ region }: { region?: string | null | undefined } = {}): TokenSource {
  // Each keeps the credentials that it has got, until they expire.
  const signers = new Map<string, Signer>()
  return ({ host, port, user }) => {
    const key = `${user}@${host}:${port}`
    const signer = signers.get(key) ?? new Signer({ hostname: host, port, username: user, ...(region ? { region } : {}) })
    signers.set(key, signer)
    return signer.getAuthToken()
  }
}

/** The role whose members RDS lets in by token, and by token only. */
export const awsTokenRole = 'rds_iam'

/** @throws {TokenError} whatever went wrong */
export async function tokenFor(source: TokenSource, signIn: SignIn): Promise<string> {
  try {
    return await source(signIn)
  } catch (error) {
    throw new TokenError(signIn, error)
  }
}
