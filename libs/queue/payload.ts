import { problem } from '@slipway/problem'
import { z } from 'zod'
import { DeclarationError, type JobPayload, type QueueDefinition } from './definition.ts'

/** Stands for "no tenant" in rows of the platform's own jobs, which keeps their table under the same policy as any other. */
export const platformTenant = '00000000-0000-0000-0000-000000000000'

const keyPattern = /^[A-Za-z0-9._~-]{1,200}$/
const uuid = z.guid()
/** Made once: a schema compiles itself at its first use, which would cost each job more than all the rest of its envelope. */
const claim = z.object({ tenantId: uuid })

/**
 * The payload as its schema makes it.
 * @throws `request.invalid` with a pointer per field
 */
export function parsePayload<Payload extends JobPayload>(definition: QueueDefinition<never, Payload>, payload: unknown): Payload {
  const result = definition.payload.safeParse(payload)
  if (result.success) return result.data
  throw problem('request.invalid', {
    detail: `The payload does not satisfy queue "${definition.name}"`,
    errors: result.error.issues.map(({ path, message }) => ({ pointer: `/payload/${path.map(String).join('/')}`, detail: message })),
  })
}

/**
 * What the work is called: a caller's word or the declaration's.
 * @throws {DeclarationError} for characters that Redis keys or URLs give a meaning
 */
export function jobKey<Payload extends JobPayload>(
  definition: QueueDefinition<never, Payload>,
  payload: Payload,
  given: string | undefined,
): string | null {
  const key = given ?? definition.jobId?.(payload)
  if (key === undefined) return null
  if (keyPattern.test(key)) return key
  throw new DeclarationError(`Queue "${definition.name}": job id "${key}" may have letters, digits and . _ ~ - only, 1 to 200 of them`)
}

/**
 * @throws {DeclarationError} for a tenant that is none: its job would become the platform's
 */
export function tenantOf({ tenantId }: JobPayload): string {
  if (tenantId === undefined) return platformTenant
  if (uuid.safeParse(tenantId).success) return tenantId
  throw new DeclarationError(`"${tenantId}" is not a tenant id: a UUID is expected`)
}

/** Of a payload that no schema has accepted. */
export function claimedTenant(payload: unknown): string {
  const result = claim.safeParse(payload)
  return result.success ? result.data.tenantId : platformTenant
}
