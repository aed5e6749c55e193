import { type JobRun, UnrecoverableError } from '@slipway/queue'
import { eq } from 'drizzle-orm'
import type { IdentityContext } from '../context.ts'
import { mailPurpose } from '../domain/mail-request.ts'
import { type Mail, type Mailer, RefusedError } from '../domain/mailer.ts'
import { sentMail, user } from '../schema.ts'
import type { MailPayload } from './identity-mail.ts'
import { mailText } from './mail-text.ts'

type Fate = 'sent' | 'already-sent' | 'nobody' | 'too-late'

/** Sends a mail once: what the server has accepted is remembered, and a mail that is sent twice after a crash has the same id. */
export async function process({ id, payload }: JobRun<MailPayload>, context: IdentityContext): Promise<Fate> {
  const { system, mailer } = context
  if (mailer === null) throw new Error('mails are sent by workers')
  const done = await system.transaction((tx) => tx.select({ id: sentMail.id }).from(sentMail).where(eq(sentMail.id, id)))
  if (done.length > 0) return 'already-sent'
  if (!(await mayGet(context, payload))) return 'nobody'
  if (isLate(payload)) return 'too-late'
  await deliver(mailer, { id, to: payload.to, ...mailText(payload.kind, linkOf(context, payload), payload.facts) })
  await system.transaction(async (tx) => {
    await tx.insert(sentMail).values({ id }).onConflictDoNothing()
  })
  return 'sent'
}

/** A job that waited for its worker, or was replayed: a link that does not open any more is worse than none. */
function isLate({ validUntil }: MailPayload): boolean {
  return validUntil !== undefined && validUntil <= Date.now()
}

async function deliver(mailer: Mailer, mail: Mail): Promise<void> {
  try {
    await mailer.send(mail)
  } catch (error) {
    throw error instanceof RefusedError ? new UnrecoverableError(error.message) : error
  }
}

/** Where accounts are made by invitation only, links go to those who have one. The API cannot look: its answer would give it away. */
async function mayGet({ config, system }: IdentityContext, { kind, to }: MailPayload): Promise<boolean> {
  if (kind !== 'magic-link' || config.openSignUp) return true
  const found = await system.transaction((tx) => tx.select({ id: user.id }).from(user).where(eq(user.email, to)))
  return found.length > 0
}

/** The token is in the fragment, which browsers do not send: it is in no log on the way. */
function linkOf({ config, publicUrl, sealer }: IdentityContext, { kind, to, sealed }: MailPayload): string | null {
  if (sealed === undefined) return null
  const page = new URL(config.mail.linkUrl ?? '/api/v1/auth/link', publicUrl)
  page.hash = new URLSearchParams({ kind, token: sealer.open(Buffer.from(sealed, 'base64'), mailPurpose(kind, to)) }).toString()
  return page.href
}
