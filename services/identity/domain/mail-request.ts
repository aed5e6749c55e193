import type { Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import { identityMail, type MailKind, type MailPayload } from '../jobs/identity-mail.ts'
import type { Sealer } from './seal.ts'

export interface MailRequest {
  readonly kind: MailKind
  readonly to: string
  /** What the link carries, and for how long it works. The token is sealed before it goes into the job: neither Postgres nor Redis ever hold it in the clear. */
  readonly link?: { readonly token: string; readonly seconds: number }
  readonly tenantId?: string
  /** Words of the mail that are no secret. */
  readonly facts?: Readonly<Record<string, string>>
}

/** Requests a mail in the transaction of its reason. */
export async function requestMail(tx: Transaction, sealer: Sealer, { kind, to, link, tenantId, facts = {} }: MailRequest): Promise<void> {
  const sealedLink = ({ token, seconds }: NonNullable<MailRequest['link']>) => ({
    sealed: sealer.seal(token, mailPurpose(kind, to)).toString('base64'),
    validUntil: Date.now() + seconds * 1000,
  })
  const payload: MailPayload = {
    version: 1,
    kind,
    to,
    facts,
    ...(link === undefined ? {} : sealedLink(link)),
    ...(tenantId === undefined ? {} : { tenantId }),
  }
  await enqueue(tx, identityMail, payload)
}

export function mailPurpose(kind: MailKind, to: string): string {
  return `mail:${kind}:${to}`
}
