import { assetCacheControl, isPage, pageHeaders, siteFolder } from '@slipway/console'
import { type AnyManifest, findRoute, routeTable } from '@slipway/service'
import { openEdge, type Upstream } from '../edge/edge.ts'
import { edgeHealth } from '../edge/health.ts'
import { siteServer } from '../edge/site.ts'
import type { ProcessPlan } from '../environment.ts'
import type { Unit } from '../supervisor/unit.ts'

interface EdgeUnitOptions {
  port: number
  manifests: readonly AnyManifest[]
  plans: readonly ProcessPlan[]
  mailPort: number
}

/** Milliseconds in which requests in flight may end when the stack stops. */
const drainMilliseconds = 15_000

/** The edge, in the supervisor's own process. It is opened first: it holds the port, and answers 503 until there is more. */
export function edgeUnit(options: EdgeUnitOptions): Unit {
  const route = router(options)
  const health = edgeHealth(apis(options.plans))
  const site = siteServer({ folder: siteFolder, isPage, pageHeaders, assetCacheControl })
  return {
    name: 'edge',
    kind: 'edge',
    port: options.port,
    async start(_signal, spawned) {
      const edge = await openEdge({ port: options.port, route, local: health, site })
      spawned(process.pid)
      const ended = Promise.withResolvers<number | null>()
      const close = async (milliseconds: number) => {
        await edge.close(milliseconds)
        ended.resolve(0)
      }
      return { pid: process.pid, exited: ended.promise, stop: () => close(drainMilliseconds), kill: () => close(0) }
    },
  }
}

function apis(plans: readonly ProcessPlan[]): Upstream[] {
  return plans.filter((plan) => plan.kind === 'api').map((plan) => ({ name: `the ${plan.manifest.name} API`, port: plan.ports.open }))
}

/** Production's route table, and what only development has. */
export function router({ manifests, plans, mailPort }: Omit<EdgeUnitOptions, 'port'>): (path: string) => Upstream | undefined {
  const table = routeTable(manifests)
  const upstreams = new Map(
    plans
      .filter((plan) => plan.kind === 'api')
      .map((plan) => [plan.manifest.name, { name: `the ${plan.manifest.name} API`, port: plan.ports.open }]),
  )
  const own: readonly (readonly [prefix: string, upstream: Upstream | undefined])[] = [
    ['/docs', upstreams.get('identity')],
    ['/problems', upstreams.get('identity')],
    ['/dev/mail', { name: 'the mail catcher', port: mailPort }],
  ]
  return (path) => {
    const special = own.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))
    if (special) return special[1]
    const found = findRoute(table, path)
    return found && upstreams.get(found.service)
  }
}
