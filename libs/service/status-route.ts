import { reply, routesFor } from '@slipway/http'
import type { ScannerState } from '@slipway/scanner'
import { z } from 'zod'
import { scannerState } from './checks.ts'
import type { CheckResult } from './health.ts'
import type { AnyManifest } from './manifest.ts'
import type { PlatformContext } from './platform-context.ts'

const route = routesFor<PlatformContext>()

const check = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  detail: z.string().optional().describe('For operators only'),
  milliseconds: z.number(),
})
const scanner = z.object({
  status: z.enum(['ok', 'test-signatures', 'down']).describe('`test-signatures`: no official database is loaded, so malware is not found'),
  engine: z.string().nullable().describe('Null while it does not answer'),
  database: z.number().int().nullable().describe('Number of the official database'),
  builtAt: z.iso.datetime().nullable().describe('When that database was made'),
  ageSeconds: z.number().nullable().describe('Since it was made'),
})
const status = z.object({
  service: z.string(),
  status: z.enum(['ok', 'degraded', 'unavailable']),
  checks: z.record(z.string(), check),
  scanner: scanner.nullable().describe('Null for a service that stores no files'),
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
    async ({ principal }, { health, scanner, now }) => {
      const [{ status, checks }, state] = await Promise.all([health.ready(), scanner && scannerState(scanner)])
      const shown = Object.entries(checks).map(([name, result]) => [name, principal.kind === 'operator' ? result : withoutDetail(result)])
      return reply(200, {
        service: manifest.name,
        status,
        checks: Object.fromEntries(shown) as Record<string, CheckResult>,
        scanner: state && scannerBody(state, now()),
      })
    },
  )
}

/** Why a store fails names its host: that is for those who run it. */
function withoutDetail({ status, milliseconds }: CheckResult): CheckResult {
  return { status, milliseconds }
}

/** Why it is down names its host, and stands in the checks. */
export function scannerBody(state: ScannerState, now: number): z.output<typeof scanner> {
  if (state.status === 'down') return { status: 'down', engine: null, database: null, builtAt: null, ageSeconds: null }
  const { status, engine, number = null, builtAt } = state
  // Clocks of two machines: a database from the future is a new one.
  const ageSeconds = builtAt ? Math.max(0, (now - builtAt.getTime()) / 1000) : null
  return { status, engine, database: number, builtAt: builtAt?.toISOString() ?? null, ageSeconds }
}
