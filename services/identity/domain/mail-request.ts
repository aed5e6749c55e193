import type { Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import { identityMail, type MailKind, type MailPayload } from '../jobs/identity-mail.ts'
import type { Sealer } from './seal.ts'

export interface MailRequest {
  readonly kind: MailKind
  readonly to: string
  /** What the link carries. It is sealed before it goes into the job: neither Postgres nor Redis ever hold it in the clear. */
  readonly token?: string
  readonly tenantId?: string
  /** Words of the mail that are no secret. */
  readonly facts?: Readonly<Record<string, string>>
}

/** Requests a mail in the transaction of its reason. */
export async function requestMail(tx: Transaction, sealer: Sealer, { kind, to, token, tenantId, facts = {} }: MailRequest): Promise<void> {
  const sealed = token === undefined ? undefined : sealer.seal(token, mailPurpose(kind, to)).toString('base64')
  const payload: MailPayload = {
    version: 1,
    kind,
    to,
    facts,
    ...(sealed === undefined ? {} : { sealed }),
    ...(tenantId === undefined ? {} : { tenantId }),
  }
  await enqueue(tx, identityMail, payload)
}

export function mailPurpose(kind: MailKind, to: string): string {
  return `mail:${kind}:${to}`
}
