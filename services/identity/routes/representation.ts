import { tenantRoles } from '@slipway/auth'
import { Moment, Text } from '@slipway/http'
import { z } from 'zod'
import type { ActiveSession } from '../domain/sessions.ts'
import type { OpenedSession } from '../domain/sign-in.ts'

export const Id = z.uuid()
export const Role = z.enum(tenantRoles).describe('owner, admin, member or viewer: each may do what those after it may')
export const Email = z.email().max(254).describe('Mail address; case does not count')
export const Password = z.string().min(1).max(512)
export const Token = z.string().min(16).max(200)
export const Slug = Text.min(1).max(63).describe('RFC 1123 label of 3 to 63 characters')
export const Name = Text.trim().min(1).max(100)

export const ids = {
  user: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b10',
  tenant: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b20',
  other: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b30',
} as const

export const Person = z.object({ id: Id, email: z.string(), name: z.string(), emailVerified: z.boolean() })

export const examplePerson: z.input<typeof Person> = { id: ids.user, email: 'ada@example.com', name: 'Ada', emailVerified: true }

export const SessionOpened = z.object({
  user: Person,
  session: z.object({ id: Id, expiresAt: Moment }),
  sessionToken: z.string().optional().describe('For POST /api/v1/auth/token. Absent when a cookie was asked for'),
})

export const exampleSession: z.input<typeof SessionOpened> = {
  user: examplePerson,
  session: { id: ids.other, expiresAt: '2026-12-21T09:30:00.000Z' },
  sessionToken: 'sls_q3V0x2m9fK1LrPzYd8WbTn5cHs7uEa4J',
}

export const wantsCookie = z
  .boolean()
  .default(false)
  .describe('For browsers: the session comes as an HttpOnly cookie instead of in the answer')

export function sessionBody({ user, id, expiresAt, secret }: OpenedSession, cookie: boolean): z.input<typeof SessionOpened> {
  return { user: personBody({ user }), session: { id, expiresAt: expiresAt.toISOString() }, ...(cookie ? {} : { sessionToken: secret }) }
}

export function personBody({ user }: Pick<ActiveSession, 'user'>): z.input<typeof Person> {
  const { id, email, name, emailVerified } = user
  return { id, email, name, emailVerified }
}

export function momentOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString()
}
