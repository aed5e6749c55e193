import type { NoticeRequest } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { and, eq, inArray, or } from 'drizzle-orm'
import { z } from 'zod'
import { apiKey, member, notice, organization, user } from '../schema.ts'
import { requestMail } from './mail-request.ts'
import type { Sealer } from './seal.ts'

type Facts = NoticeRequest['facts']

/**
 * Requests the mails of a notice, one for each person: members with one of the roles, and those that are named, who have to be members too.
 * People of an external issuer have no address here.
 * @returns how many mails; 0 also when the notice was sent before
 */
export async function sendNotice(tx: Transaction, sealer: Sealer, request: NoticeRequest): Promise<number> {
  const { key, tenantId, kind, roles, facts } = request
  const isNew = await tx.insert(notice).values({ key }).onConflictDoNothing().returning({ key: notice.key })
  const [tenant] = await tx.select({ name: organization.name }).from(organization).where(eq(organization.id, tenantId))
  if (isNew.length === 0 || !tenant) return 0
  const own = await factsByPerson(tx, request)
  const people = await tx
    .select({ id: user.id, email: user.email, role: member.role })
    .from(member)
    .innerJoin(user, eq(user.id, member.userId))
    .where(and(eq(member.organizationId, tenantId), or(inArray(member.role, roles), inArray(member.userId, [...own.keys()]))))
  let mails = 0
  for (const { id, email, role } of people) {
    const told = roles.includes(role) ? { ...facts, whose: 'tenant' } : own.get(id)
    if (!told) continue
    await requestMail(tx, sealer, { kind, to: email, tenantId, facts: { ...told, tenant: tenant.name } })
    mails++
  }
  return mails
}

/** By the id of the person: of a key that is its maker, and who is named twice is told the first. */
async function factsByPerson(tx: Transaction, { tenantId, people }: NoticeRequest): Promise<Map<string, Facts>> {
  const makers = await makersOf(
    tx,
    tenantId,
    people.flatMap(({ principal }) => idIn('key', principal) ?? []),
  )
  const told = new Map<string, Facts>()
  for (const { principal, facts } of people) {
    const id = idIn('user', principal) ?? makers.get(idIn('key', principal) ?? '')
    if (id && !told.has(id)) told.set(id, { ...facts, whose: 'own' })
  }
  return told
}

async function makersOf(tx: Transaction, tenantId: string, keys: string[]): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map()
  const rows = await tx
    .select({ id: apiKey.id, createdBy: apiKey.createdBy })
    .from(apiKey)
    .where(and(eq(apiKey.tenantId, tenantId), inArray(apiKey.id, keys)))
  return new Map(rows.map((row) => [row.id, row.createdBy]))
}

function idIn(kind: 'user' | 'key', principal: string): string | undefined {
  const [given, id] = principal.split(':')
  return given === kind && z.uuid().safeParse(id).success ? id : undefined
}
