import type { Transaction } from '@slipway/db'
import type { JobRun } from '@slipway/queue'
import { sql } from 'drizzle-orm'
import type { IdentityContext } from '../context.ts'
import { withAuth } from '../domain/auth-scope.ts'
import { keyGraceSeconds, revocationHours } from '../domain/limits.ts'
import { resealSettings } from '../domain/settings.ts'
import { lockSigningKeys, needsSuccessor } from '../domain/signing-keys.ts'
import { invitation, jwks, notice, revocation, sentMail, session, verification } from '../schema.ts'
import type { UpkeepPayload } from './identity-upkeep.ts'

export interface UpkeepReport {
  removed: Record<string, number>
  resealed: number
  keyMade: boolean
}

export async function process(_run: JobRun<UpkeepPayload>, context: IdentityContext): Promise<UpkeepReport> {
  const removed = await context.system.transaction(removeExpired)
  const keyMade = await context.system.transaction((tx) => publishSuccessor(context, tx))
  // Secrets that cannot be opened any more fail the job, and may not keep the rest from being done.
  const { done, failed } = await context.system.transaction((tx) => resealSettings(tx, context.sealer))
  if (failed !== null) throw new Error(`${failed.count} secrets of settings cannot be opened; the first: ${failed.first.message}`)
  return { removed, resealed: done, keyMade }
}

async function removeExpired(tx: Transaction): Promise<Record<string, number>> {
  const deletions = {
    sessions: sql`delete from ${session} where ${session.expiresAt} < now()`,
    verifications: sql`delete from ${verification} where ${verification.expiresAt} < now()`,
    revocations: sql`delete from ${revocation} where ${revocation.at} < now() - make_interval(hours => ${revocationHours})`,
    invitations: sql`delete from ${invitation} where ${invitation.expiresAt} < now() - interval '30 days'`,
    keys: sql`delete from ${jwks} where ${jwks.expiresAt} < now() - make_interval(secs => ${keyGraceSeconds})`,
    notices: sql`delete from ${notice} where ${notice.at} < now() - interval '30 days'`,
    mails: sql`delete from ${sentMail} where ${sentMail.sentAt} < now() - interval '30 days'`,
  }
  const removed: Record<string, number> = {}
  for (const [name, statement] of Object.entries(deletions)) removed[name] = (await tx.execute(statement)).rowCount ?? 0
  return removed
}

/** The plugin mints a key when it is asked to sign without one; the token itself is thrown away. One replica at a time. */
async function publishSuccessor({ auth }: IdentityContext, tx: Transaction): Promise<boolean> {
  await lockSigningKeys(tx)
  if (!(await needsSuccessor(tx))) return false
  await withAuth(auth.options, { tx, mintKey: true }, () => auth.api.signJWT({ body: { payload: { sub: 'nobody' } } }))
  return true
}
