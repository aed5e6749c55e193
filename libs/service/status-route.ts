import { reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { CheckResult } from './health.ts'
import type { AnyManifest } from './manifest.ts'
import type { PlatformContext } from './platform-context.ts'

const route = routesFor<PlatformContext>()

const check = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  detail: z.string().optional().describe('For operators only'),
  milliseconds: z.number(),
})
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
    async ({ principal }, { health }) => {
      const { status, checks } = await health.ready()
      const shown = Object.entries(checks).map(([name, result]) => [name, principal.kind === 'operator' ? result : withoutDetail(result)])
      return reply(200, { service: manifest.name, status, checks: Object.fromEntries(shown) as Record<string, CheckResult> })
    },
  )
}

/** Why a store fails names its host: that is for those who run it. */
function withoutDetail({ status, milliseconds }: CheckResult): CheckResult {
  return { status, milliseconds }
}
