import { reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { Health, Readiness } from './health.ts'

const route = routesFor<HealthContext>()

export interface HealthContext {
  readonly health: Health
  /** Throws when the process lives but does nothing any more; absent for processes without jobs. */
  readonly progress?: () => void
}

const status = z.object({ status: z.enum(['ok', 'degraded']) })
const readiness = status.extend({
  checks: z.record(
    z.string(),
    z.object({ status: z.enum(['ok', 'degraded', 'unavailable']), detail: z.string().optional(), milliseconds: z.number() }),
  ),
})

const probe = { method: 'GET', auth: 'none', tags: ['Health'], hidden: true } as const

/** Restarting cannot bring a store back, so this asks none; a worker that stands still while jobs wait is restarted. */
const live = route(
  {
    ...probe,
    path: '/health/live',
    operation: 'health.live',
    summary: 'Whether the process should be kept running',
    responses: { 200: { description: 'It should', schema: status } },
    problems: ['service.not-ready'],
  },
  async (_input, { progress }) => {
    progress?.()
    return reply(200, { status: 'ok' as const })
  },
)

const ready = route(
  {
    ...probe,
    path: '/health/ready',
    operation: 'health.ready',
    summary: 'Whether the process can do its work now',
    responses: { 200: { description: 'It can, perhaps with a restriction', schema: readiness } },
    problems: ['service.not-ready', 'service.draining', 'database.unavailable', 'scanner.no-signatures'],
  },
  async (_input, { health }) => {
    const { status, checks } = requireReady(await health.ready())
    return reply(200, { status, checks: { ...checks } })
  },
)

const overall = route(
  {
    ...probe,
    path: '/health',
    operation: 'health.status',
    summary: 'Readiness in one word',
    responses: { 200: { description: 'Ready', schema: z.object({ status: z.literal('ok') }) } },
    problems: ['service.not-ready'],
  },
  async (_input, { health }) => {
    requireReady(await health.ready())
    return reply(200, { status: 'ok' as const })
  },
)

export const healthRoutes = [overall, live, ready]

function requireReady({ status, checks, problem }: Readiness): { status: 'ok' | 'degraded'; checks: Readiness['checks'] } {
  if (problem || status === 'unavailable') throw problem ?? new TypeError('a process that is not ready has a problem')
  return { status, checks }
}
