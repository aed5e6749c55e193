import { keyVerdict, noticeRequest, revocationPage } from '@slipway/auth'
import { Moment, reply, routesFor, Text } from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { actorOf } from '../domain/actor.ts'
import { verifyKey } from '../domain/api-keys.ts'
import { sendNotice } from '../domain/notices.ts'
import { addOperator, dropUnconfirmedPassword } from '../domain/operators.ts'
import { revocationsSince } from '../domain/revocations.ts'
import { revealSetting } from '../domain/settings.ts'
import { findTenantBySlug } from '../domain/tenants.ts'
import { Email, Id, Slug } from './representation.ts'

const route = routesFor<IdentityContext>()
/** The caller that stands for a person with access to the installation itself; a service that was taken over must not get any further by it. */
/** Whoever is in a pod of identity has the rights on its tables anyway; the other services must not get them. */
const operatorMakers = ['cli', 'identity']
const common = { auth: 'service', internal: true, tags: ['internal'] } as const

export const revocationsRoute = route(
  {
    ...common,
    method: 'GET',
    path: '/internal/v1/revocations',
    operation: 'internal.revocations',
    summary: 'Access that has ended since a moment',
    query: z.object({ since: Moment }),
    responses: { 200: { description: 'Oldest first', schema: revocationPage } },
  },
  async ({ query }, { system }) => reply(200, await system.transaction((tx) => revocationsSince(tx, new Date(query.since)))),
)

export const verifyKeyRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/internal/v1/api-keys/verify',
    operation: 'internal.verifyKey',
    summary: 'Whether an API key is good, and for what',
    body: z.strictObject({ key: z.string().max(300) }),
    responses: { 200: { description: 'The verdict', schema: keyVerdict } },
    idempotent: false,
  },
  async ({ body }, { system }) => reply(200, await system.transaction((tx) => verifyKey(tx, body.key))),
)

export const tenantBySlugRoute = route(
  {
    ...common,
    method: 'GET',
    path: '/internal/v1/tenants/{slug}',
    operation: 'internal.tenant',
    summary: 'A tenant by its slug',
    params: z.object({ slug: Slug }),
    responses: { 200: { description: 'The tenant', schema: z.object({ id: Id, slug: z.string(), name: z.string() }) } },
    problems: ['resource.not-found'],
  },
  async ({ params }, { database }) => {
    const found = await database.transaction((tx) => findTenantBySlug(tx, params.slug))
    if (found === null) throw problem('resource.not-found')
    return reply(200, found)
  },
)

export const revealSettingRoute = route(
  {
    ...common,
    method: 'GET',
    path: '/internal/v1/tenants/{id}/settings/{key}',
    operation: 'internal.setting',
    summary: 'A setting of a tenant, secrets in the clear',
    params: z.object({ id: Id, key: Text.max(100) }),
    responses: { 200: { description: 'The setting', schema: z.object({ type: z.string(), value: z.unknown() }) } },
    problems: ['resource.not-found'],
  },
  async ({ params }, { database, sealer }) => {
    const found = await database.tenantTransaction(params.id, (tx) => revealSetting(tx, sealer, params.key), { readOnly: true })
    if (found === null) throw problem('resource.not-found')
    return reply(200, found)
  },
)

export const noticeRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/internal/v1/notices',
    operation: 'internal.notice',
    summary: 'Tell people of a tenant something by mail',
    description: 'Once for each key, however often it is asked for.',
    body: noticeRequest,
    responses: { 202: { description: 'Requested', schema: z.object({ mails: z.int() }) } },
    idempotent: false,
  },
  async ({ body }, { system, sealer }) => reply(202, { mails: await system.transaction((tx) => sendNotice(tx, sealer, body)) }),
)

export const addOperatorRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/internal/v1/operators',
    operation: 'internal.addOperator',
    summary: 'Make a person an operator of the platform',
    description: 'For `slipway operator add`. A person without an account gets one, and signs in by magic link.',
    body: z.strictObject({ email: Email }),
    responses: { 200: { description: 'An operator now', schema: z.object({ userId: Id, email: z.string(), created: z.boolean() }) } },
    idempotent: false,
  },
  async ({ body: { email }, principal, request }, { system, config }) => {
    if (!operatorMakers.includes(principal.id))
      throw problem('auth.forbidden', { detail: `only ${operatorMakers.join(' and ')} make operators, not ${principal.id}` })
    const actor = actorOf(principal, request)
    const added = await system.transaction(async (tx) => {
      if (config.verifyEmail) await dropUnconfirmedPassword(tx, email, actor)
      return addOperator(tx, email, actor)
    })
    return reply(200, added)
  },
)
