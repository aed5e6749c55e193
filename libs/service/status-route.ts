import { reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { AnyManifest } from './manifest.ts'
import type { PlatformContext } from './platform-context.ts'

const route = routesFor<PlatformContext>()

const check = z.object({ status: z.enum(['ok', 'degraded', 'unavailable']), detail: z.string().optional(), milliseconds: z.number() })
const status = z.object({
  service: z.string(),
  status: z.enum(['ok', 'degraded', 'unavailable']),
  checks: z.record(z.string(), check),
})

/** What the readiness probe sees, for people: it answers also when the service is not ready. */
export function statusRoute(manifest: AnyManifest) {
  return route(
    {
      method: 'GET',
      path: `/api/v1/${manifest.name}/status`,
      operation: `${manifest.name}.status`,
      summary: `State of ${manifest.title.toLowerCase()} and of what it depends on`,
      tags: ['operation'],
      auth: { role: 'admin', scope: 'jobs:read', operator: true },
      responses: { 200: { description: 'As of now', schema: status } },
    },
    async (_input, { health }) => {
      const readiness = await health.ready()
      return reply(200, { service: manifest.name, status: readiness.status, checks: { ...readiness.checks } })
    },
  )
}
