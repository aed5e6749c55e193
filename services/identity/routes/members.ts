import { decodeCursor, Moment, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { actorOf } from '../domain/actor.ts'
import { countAttempt } from '../domain/attempts.ts'
import { acceptInvitation, cancelInvitation, invite, listInvitations } from '../domain/invitations.ts'
import { changeRole, findMember, listMembers, removeMember, requireRank } from '../domain/members.ts'
import { requirePerson, requireUnlimited } from '../domain/people.ts'
import { Email, Id, ids, Role, Token } from './representation.ts'

const route = routesFor<IdentityContext>()

const Member = z.object({ id: Id.describe('Of the person'), email: z.string(), name: z.string(), role: Role, joinedAt: Moment })
const exampleMember: z.input<typeof Member> = {
  id: ids.user,
  email: 'ada@example.com',
  name: 'Ada',
  role: 'member',
  joinedAt: '2026-11-21T09:30:00.000Z',
}
const onMember = { tags: ['members'], params: z.object({ id: Id }) } as const
const aMember = { schema: Member, example: exampleMember }

function memberBody({ userId, email, name, role, createdAt }: Awaited<ReturnType<typeof findMember>>): z.input<typeof Member> {
  return { id: userId, email, name, role, joinedAt: createdAt.toISOString() }
}

export const listMembersRoute = route(
  {
    method: 'GET',
    path: '/api/v1/members',
    operation: 'members.list',
    summary: 'Members of the tenant',
    tags: ['members'],
    auth: { role: 'viewer', scope: 'tenant:read' },
    query: z.object(pageQuery),
    responses: {
      200: {
        description: 'A page, in the order of joining',
        schema: pageOf(Member),
        example: { items: [exampleMember], nextCursor: null },
      },
    },
  },
  async ({ query: { limit, cursor }, tenant }, { database }) => {
    const after = decodeCursor(cursor, Id)
    const items = await database.tenantTransaction(tenant.id, (tx) => listMembers(tx, { after, limit: limit + 1 }), { readOnly: true })
    const found = page({ items, limit, cursorOf: ({ id }) => id })
    return reply(200, { ...found, items: found.items.map(memberBody) })
  },
)

export const getMemberRoute = route(
  {
    ...onMember,
    method: 'GET',
    path: '/api/v1/members/{id}',
    operation: 'members.get',
    summary: 'One member',
    auth: { role: 'viewer', scope: 'tenant:read' },
    responses: { 200: { description: 'The member', ...aMember } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, { database }) =>
    reply(200, memberBody(await database.tenantTransaction(tenant.id, (tx) => findMember(tx, params.id), { readOnly: true }))),
)

export const patchMemberRoute = route(
  {
    ...onMember,
    method: 'PATCH',
    path: '/api/v1/members/{id}',
    operation: 'members.changeRole',
    summary: 'Change the role of a member',
    description: 'By rank: nobody gives or takes a role above their own, and one owner always stays. Old tokens are dead within 5 s.',
    auth: { role: 'admin', scope: 'tenant:write' },
    body: z.strictObject({ role: Role }),
    bodyExample: { role: 'admin' },
    responses: { 200: { description: 'The member as it is now', ...aMember } },
    problems: ['resource.not-found', 'tenant.last-owner'],
  },
  async ({ params, body, tenant, principal, request }, { database }) => {
    const change = { tenantId: tenant.id, userId: params.id, principal, actor: actorOf(principal, request) }
    return reply(200, memberBody(await database.tenantTransaction(tenant.id, (tx) => changeRole(tx, change, body.role))))
  },
)

export const deleteMemberRoute = route(
  {
    ...onMember,
    method: 'DELETE',
    path: '/api/v1/members/{id}',
    operation: 'members.remove',
    summary: 'Remove a member, or leave',
    description: 'Tokens and API keys of the member are dead within 5 s. Anybody may leave; removing others needs the role admin.',
    auth: { role: 'viewer', scope: 'tenant:write' },
    responses: { 204: { description: 'Removed' } },
    problems: ['resource.not-found', 'tenant.last-owner'],
  },
  async ({ params, tenant, principal, request }, { database }) => {
    const change = { tenantId: tenant.id, userId: params.id, principal, actor: actorOf(principal, request) }
    await database.tenantTransaction(tenant.id, (tx) => removeMember(tx, change))
    return reply(204)
  },
)

const Invitation = z.object({ id: Id, email: z.string(), role: Role, invitedBy: Id, createdAt: Moment, expiresAt: Moment })
const exampleInvitation: z.input<typeof Invitation> = {
  id: ids.other,
  email: 'grace@example.com',
  role: 'member',
  invitedBy: ids.user,
  createdAt: '2026-11-21T09:30:00.000Z',
  expiresAt: '2026-11-28T09:30:00.000Z',
}

type InvitationRow = Awaited<ReturnType<typeof listInvitations>>[number]

function invitationBody({ id, email, role, inviterId, createdAt, expiresAt }: InvitationRow): z.input<typeof Invitation> {
  return { id, email, role, invitedBy: inviterId, createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() }
}

export const createInvitationRoute = route(
  {
    method: 'POST',
    path: '/api/v1/invitations',
    operation: 'invitations.create',
    summary: 'Invite somebody by mail',
    description: 'The mail holds the token for accepting; inviting an address again replaces the earlier invitation.',
    tags: ['members'],
    auth: { role: 'admin', scope: 'tenant:write' },
    body: z.strictObject({ email: Email, role: Role }),
    bodyExample: { email: 'grace@example.com', role: 'member' },
    responses: { 201: { description: 'Invited', schema: Invitation, example: exampleInvitation } },
    problems: ['resource.conflict'],
    rate: { name: 'identity-invitations', limit: 100, seconds: 3600, by: 'principal' },
  },
  async ({ body: { email, role }, tenant, principal, request, idempotency }, context) => {
    requireRank(principal.role ?? 'viewer', role)
    await countAttempt(context, 'mail', email)
    const inviter = await context.system.transaction((tx) => requirePerson(tx, principal))
    const given = { tenant, email, role, inviterId: inviter.id, principal, actor: actorOf(principal, request) }
    return context.database.tenantTransaction(tenant.id, async (tx) => {
      const answer = reply(201, invitationBody(await invite(context, tx, given)))
      await idempotency.complete(tx, answer)
      return answer
    })
  },
)

export const listInvitationsRoute = route(
  {
    method: 'GET',
    path: '/api/v1/invitations',
    operation: 'invitations.list',
    summary: 'Invitations that wait for an answer',
    tags: ['members'],
    auth: { role: 'admin', scope: 'tenant:read' },
    query: z.object(pageQuery),
    responses: { 200: { description: 'A page', schema: pageOf(Invitation), example: { items: [exampleInvitation], nextCursor: null } } },
  },
  async ({ query: { limit, cursor }, tenant }, { database }) => {
    const after = decodeCursor(cursor, Id)
    const items = await database.tenantTransaction(tenant.id, (tx) => listInvitations(tx, { after, limit: limit + 1 }), { readOnly: true })
    const found = page({ items, limit, cursorOf: ({ id }) => id })
    return reply(200, { ...found, items: found.items.map(invitationBody) })
  },
)

export const cancelInvitationRoute = route(
  {
    method: 'DELETE',
    path: '/api/v1/invitations/{id}',
    operation: 'invitations.cancel',
    summary: 'Take an invitation back',
    tags: ['members'],
    auth: { role: 'admin', scope: 'tenant:write' },
    params: z.object({ id: Id }),
    responses: { 204: { description: 'Canceled' } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant, principal, request }, { database }) => {
    await database.tenantTransaction(tenant.id, (tx) =>
      cancelInvitation(tx, actorOf(principal, request), { tenantId: tenant.id, id: params.id }),
    )
    return reply(204)
  },
)

const Joined = z.object({ tenant: z.object({ id: Id, slug: z.string(), name: z.string() }), role: Role })

export const acceptInvitationRoute = route(
  {
    method: 'POST',
    path: '/api/v1/invitations/accept',
    operation: 'invitations.accept',
    summary: 'Join the tenant of an invitation',
    description: 'For the person with the invited address, signed in.',
    tags: ['members'],
    auth: 'principal',
    body: z.strictObject({ token: Token }),
    bodyExample: { token: 'ZWluIFRva2VuIGF1cyBkZXIgTWFpbA' },
    responses: {
      200: { description: 'Joined', schema: Joined, example: { tenant: { id: ids.tenant, slug: 'acme', name: 'Acme' }, role: 'member' } },
    },
    problems: ['auth.link-invalid', 'auth.forbidden'],
  },
  async ({ body, principal, request }, { system }) => {
    const { role, ...tenant } = await system.transaction(async (tx) => {
      const guest = await requirePerson(tx, principal)
      requireUnlimited(principal)
      return acceptInvitation(tx, { token: body.token, user: guest, request })
    })
    return reply(200, { tenant, role })
  },
)
