import { reply, routesFor, Text } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { personOf, type Released, releaseRefusal, withdrawRequest } from '../domain/release.ts'
import { authorOf } from './author.ts'
import { Refusal, refusalBody, refusalExample } from './quarantine.ts'
import { etagOf, File, fileBody, IdParams } from './representation.ts'

const route = routesFor<FilesContext>()
const admin = { role: 'admin', scope: 'files:admin' } as const
const Answer = z.object({
  quarantine: Refusal.nullable().describe('With the request in `release`; null once it was approved'),
  file: File.nullable().describe(
    'Pending until its bytes have been looked at once more; of a version, the file that it belongs to; null before the approval',
  ),
})
const at = '2026-11-21T09:30:00.000Z'
const release = { requestedBy: 'user:kT4mJc0q', reason: 'A false alarm, says the vendor', at, expiresAt: '2026-11-28T09:30:00.000Z' }

export const releaseRoute = route(
  {
    method: 'POST',
    path: '/api/v1/quarantine/{id}/release',
    operation: 'quarantine.release',
    summary: 'Ask for a release, or approve one',
    description:
      'It takes two different admins: the first call asks, a call by another one within seven days approves. API keys count as those who made them. The bytes are then looked at once more, and become readable if that finds nothing but what was approved.',
    tags: ['quarantine'],
    auth: admin,
    params: IdParams,
    body: z.strictObject({ reason: Text.trim().min(1).max(1000) }),
    bodyExample: { reason: release.reason },
    responses: {
      202: {
        description: 'Asked for, or approved: then `Location` is the file',
        schema: Answer,
        example: { quarantine: { ...refusalExample, release }, file: null },
        headers: { location: 'The record, the file, or the version of it', etag: 'Of the file, for If-Match' },
      },
    },
    problems: ['resource.not-found', 'resource.conflict', 'release.same-person', 'quota.exceeded', 'storage.unavailable'],
    rate: { name: 'quarantine-release', limit: 60, seconds: 60, by: 'principal' },
  },
  async (input, context) => {
    const { params, body, principal } = input
    const wish = { id: params.id, reason: body.reason, person: personOf(principal) }
    const answerTo = (released: Released) => answer(released, context)
    const released = await releaseRefusal(context, authorOf(input), {
      wish,
      keep: (tx, released) => input.idempotency.complete(tx, answerTo(released)),
    })
    return answerTo(released)
  },
)

function answer(released: Released, context: FilesContext) {
  if ('asked' in released) {
    const { asked } = released
    const body = { quarantine: refusalBody(asked, context.now()), file: null }
    return reply(202, body, { headers: { location: `/api/v1/quarantine/${asked.id}` } })
  }
  const { approved, file } = released
  const body = { quarantine: null, file: fileBody(file, new Date(context.now())) }
  const path = `/api/v1/files/${file.id}`
  const location = approved.headId ? `${path}/versions/${approved.revision}` : path
  return reply(202, body, { headers: { location, etag: etagOf(file) } })
}

export const withdrawReleaseRoute = route(
  {
    method: 'DELETE',
    path: '/api/v1/quarantine/{id}/release',
    operation: 'quarantine.withdrawRelease',
    summary: 'Withdraw a request for a release',
    tags: ['quarantine'],
    auth: admin,
    params: IdParams,
    responses: { 204: { description: 'Nobody asks for it any more' } },
    problems: ['resource.not-found'],
  },
  async (input, context) => {
    const { params, tenant } = input
    const done = reply(204)
    await context.database.tenantTransaction(tenant.id, async (tx) => {
      await withdrawRequest(tx, authorOf(input), params.id)
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)
