import { reply, requireIfMatch, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { lockTree } from '../domain/quota.ts'
import { changeRetention, effectiveRetention, type Retention, type RetentionRow, selectRetention } from '../domain/retention.ts'
import { authorOf } from './author.ts'

const route = routesFor<FilesContext>()
const auth = { role: 'admin', scope: 'files:admin' } as const
const path = '/api/v1/files/retention'

const rules = { kept: z.int().min(0).max(2_147_483_647), days: z.int().min(1).max(2_147_483_647) }
const Rules = z.object({
  versions: z.object({ kept: z.int(), days: z.int() }),
  trash: z.object({ days: z.int() }),
})
const Own = z.strictObject({
  versions: z.strictObject({
    kept: rules.kept.nullable().describe('Earlier versions of a file; 0 = none'),
    days: rules.days.nullable().describe('Days after which a version goes, counted from when something else took its place'),
  }),
  trash: z.strictObject({ days: rules.days.nullable().describe('Days until what lies in the trash goes') }),
})
const Answer = z.object({
  own: Own.describe('What the tenant has decided; null = as the installation does'),
  effective: Rules.describe('What is done'),
  most: Rules.describe('What the operator allows'),
  etag: z.string().describe('For If-Match, quotes included'),
  updatedBy: z.string().nullable(),
  updatedAt: z.iso.datetime().nullable(),
})
const example: z.input<typeof Answer> = {
  own: { versions: { kept: 5, days: null }, trash: { days: null } },
  effective: { versions: { kept: 5, days: 90 }, trash: { days: 30 } },
  most: { versions: { kept: 100, days: 3650 }, trash: { days: 3650 } },
  etag: '"1"',
  updatedBy: 'user:kT4mJc0q',
  updatedAt: '2026-11-21T09:30:00.000Z',
}
const found = { description: 'The rules', schema: Answer, example, headers: { etag: 'For If-Match' } }

export const getRetention = route(
  {
    method: 'GET',
    path,
    operation: 'files.retention.get',
    summary: 'How long versions and the trash are kept',
    tags: ['files'],
    auth,
    responses: { 200: found },
  },
  async ({ tenant }, context) => {
    const row = await context.database.tenantTransaction(tenant.id, selectRetention, { readOnly: true })
    return answer(row, context)
  },
)

export const putRetention = route(
  {
    method: 'PUT',
    path,
    operation: 'files.retention.set',
    summary: 'Say how long versions and the trash are kept',
    description:
      'What is beyond the days goes within an hour, for good; what is beyond the number goes when the file is overwritten the next time. `If-Match` has to name what was read before.',
    tags: ['files'],
    auth,
    body: Own,
    bodyExample: example.own,
    responses: { 200: found },
    problems: ['precondition.failed', 'precondition.required'],
  },
  async (input, context) => {
    const { body, tenant, request } = input
    const own = { versionsKept: body.versions.kept, versionDays: body.versions.days, trashDays: body.trash.days }
    const expect = (row: RetentionRow | undefined) => requireIfMatch(request, etagOf(row))
    const change = { own, expect, limits: context.limits.retention, now: new Date(context.now()) }
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      await lockTree(tx, tenant.id)
      const changed = answer(await changeRetention(tx, authorOf(input), change), context)
      await input.idempotency.complete(tx, changed)
      return changed
    })
  },
)

/** Rules that nobody has changed have a version too, so that two who begin do not overwrite each other. */
function etagOf(row: RetentionRow | undefined): string {
  return `"${row?.version ?? 0}"`
}

function answer(row: RetentionRow | undefined, { limits }: FilesContext) {
  const { most } = limits.retention
  const body = {
    own: {
      versions: { kept: row?.versionsKept ?? null, days: row?.versionDays ?? null },
      trash: { days: row?.trashDays ?? null },
    },
    effective: rulesBody(effectiveRetention(row, limits.retention)),
    most: rulesBody({ versionsKept: most.versionsKept, versionDays: most.days, trashDays: most.days }),
    etag: etagOf(row),
    updatedBy: row?.updatedBy ?? null,
    updatedAt: row?.updatedAt.toISOString() ?? null,
  }
  return reply(200, body, { headers: { etag: etagOf(row) } })
}

function rulesBody({ versionsKept, versionDays, trashDays }: Retention): z.input<typeof Rules> {
  return { versions: { kept: versionsKept, days: versionDays }, trash: { days: trashDays } }
}
