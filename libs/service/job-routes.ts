import { record } from '@slipway/audit'
import { decodeCursor, type Input, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { createJobAdministration, type JobAdministration, type JobScope } from '@slipway/queue'
import { z } from 'zod'
import { Job, jobBody, Overview, states, timeText } from './job-schema.ts'
import type { AnyManifest } from './manifest.ts'
import type { PlatformContext } from './platform-context.ts'

const route = routesFor<PlatformContext>()

const read = { role: 'admin', scope: 'jobs:read', operator: true } as const
const write = { role: 'admin', scope: 'jobs:write', operator: true } as const

const IdParams = z.object({ id: z.uuid() })

/** `/api/v1/<service>/jobs`: what every service offers to the people who run it. Tenant admins see their tenant's jobs, operators all. */
export function jobRoutes(manifest: AnyManifest) {
  const ways = changes.map((change) => changeRoute(manifest, change))
  return [listRoute(manifest), countsRoute(manifest), getRoute(manifest), ...ways]
}

const tags = ['jobs']

function listRoute({ name }: AnyManifest) {
  return route(
    {
      tags,
      method: 'GET',
      path: `/api/v1/${name}/jobs`,
      operation: `${name}.jobs.list`,
      summary: 'List jobs, newest first',
      auth: read,
      query: z.object({
        ...pageQuery,
        queue: z.string().max(63).optional(),
        state: z.array(z.enum(states)).max(states.length).optional().describe('May be given more than once'),
      }),
      responses: { 200: { description: 'A page', schema: pageOf(Job) } },
    },
    async (input, context) => {
      const { limit, cursor, queue, state } = input.query
      const after = decodeCursor(cursor, z.object({ id: z.uuid() }))
      const { administration, scope } = await open(input, context, 'listed')
      const jobs = await administration.list(scope, { queue, states: state, before: after?.id, limit: limit + 1 })
      const { items, nextCursor } = page({ items: jobs, limit, cursorOf: ({ id }) => ({ id }) })
      return reply(200, { items: items.map((job) => jobBody(job, scope === 'operator')), nextCursor })
    },
  )
}

function countsRoute({ name }: AnyManifest) {
  return route(
    {
      tags,
      method: 'GET',
      path: `/api/v1/${name}/jobs/counts`,
      operation: `${name}.jobs.counts`,
      summary: 'How many jobs each queue has by state, and how long the oldest has waited',
      auth: read,
      responses: { 200: { description: 'One entry per queue', schema: z.object({ items: z.array(Overview) }) } },
    },
    async (input, context) => {
      const { administration, scope } = await open(input, context, 'counted')
      const overviews = await administration.counts(scope)
      return reply(200, {
        items: overviews.map(({ oldestWaitingAt, redis, ...rest }) => ({
          ...rest,
          oldestWaitingAt: timeText(oldestWaitingAt),
          oldestWaitingSeconds: oldestWaitingAt && Math.max(0, (context.now() - oldestWaitingAt.getTime()) / 1000),
          redis: redis && { ...redis },
        })),
      })
    },
  )
}

function getRoute({ name }: AnyManifest) {
  return route(
    {
      tags,
      method: 'GET',
      path: `/api/v1/${name}/jobs/{id}`,
      operation: `${name}.jobs.get`,
      summary: 'Get a job',
      auth: read,
      params: IdParams,
      responses: { 200: { description: 'The job', schema: Job } },
      problems: ['resource.not-found'],
    },
    async (input, context) => {
      const { administration, scope } = await open(input, context, 'read')
      return reply(200, jobBody(await administration.get(scope, input.params.id), scope === 'operator'))
    },
  )
}

const changes = [
  { action: 'retry', summary: 'Run a job again now, with all its attempts' },
  { action: 'replay', summary: 'Run the work of an ended job again as a new job' },
  { action: 'cancel', summary: 'End a job: at once if it waits, as soon as it stops if it runs' },
] as const

function changeRoute(manifest: AnyManifest, { action, summary }: (typeof changes)[number]) {
  return route(
    {
      method: 'POST',
      path: `/api/v1/${manifest.name}/jobs/{id}/${action}`,
      operation: `${manifest.name}.jobs.${action}`,
      summary,
      tags,
      auth: write,
      params: IdParams,
      responses: { 202: { description: action === 'replay' ? 'The new job' : 'The job as it is now', schema: Job } },
      problems: ['resource.not-found', 'job.not-retryable', 'redis.unavailable'],
    },
    async (input, context) => {
      const { administration, scope, actor } = await open(input, context)
      return reply(202, jobBody(await administration[action](scope, input.params.id, { actor }), scope === 'operator'))
    },
  )
}

type Asked = Pick<Input, 'principal' | 'tenant' | 'request'>

interface Opened {
  readonly administration: JobAdministration
  readonly scope: JobScope
  readonly actor: string
}

/** Binds the administration to the caller: whose jobs, and who the audit trail names. An operator's look is recorded as well. */
async function open(asked: Asked, context: PlatformContext, look?: 'listed' | 'counted' | 'read'): Promise<Opened> {
  const { principal, tenant, request } = asked
  if (!principal) throw new TypeError('job routes are never open to everybody')
  const actor = { kind: principal.kind, id: principal.id, name: principal.name }
  const from = { ip: request.ip, userAgent: request.userAgent, requestId: request.id, traceId: request.traceId }
  const { databases, queues, manifest } = context
  const administration = createJobAdministration({
    queues,
    definitions: manifest.queues,
    runtime: databases.runtime,
    system: databases.system,
    onChange: (tx, { action, job }) =>
      record(tx, {
        action: `job.${action}`,
        actor,
        from,
        tenantId: job.tenantId,
        subject: { type: 'job', id: job.id },
        before: { queue: job.queue, state: job.state },
      }),
  })
  if (tenant) return { administration, scope: { tenantId: tenant.id }, actor: `${principal.kind}:${principal.id}` }
  if (look) {
    const subject = { type: 'jobs', id: manifest.name }
    await databases.system.transaction((tx) => record(tx, { action: `jobs.${look}`, actor, from, tenantId: null, subject }))
  }
  return { administration, scope: 'operator', actor: `${principal.kind}:${principal.id}` }
}
