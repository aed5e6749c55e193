import { days, defineQueue, exponential, hours, perSecond, seconds } from '@slipway/queue'
import { z } from 'zod'

export const mailKinds = ['magic-link', 'confirm-email', 'account-exists', 'invitation', 'files-infected'] as const

export type MailKind = (typeof mailKinds)[number]

const mailPayload = z.object({
  version: z.literal(1),
  tenantId: z.uuid().optional(),
  kind: z.enum(mailKinds),
  to: z.email(),
  /** The token of the link, sealed for this kind and this address. */
  sealed: z.string().optional(),
  /** When the link stops to work, in milliseconds since the epoch. */
  validUntil: z.number().optional(),
  facts: z.record(z.string(), z.string().max(200)),
})

export type MailPayload = z.output<typeof mailPayload>

/** Mails with links. Links are short-lived, so a mail that could not be sent within minutes is given up rather than sent late. */
export const identityMail = defineQueue({
  name: 'identity-mail',
  payload: mailPayload,
  attempts: 6,
  backoff: exponential(seconds(2)),
  timeout: seconds(30),
  concurrency: 4,
  rate: perSecond(20),
  keep: { completed: hours(1), failed: days(2) },
  deadLetter: true,
  processor: () => import('./identity-mail.processor.ts'),
})
