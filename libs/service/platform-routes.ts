import { jobRoutes } from './job-routes.ts'
import type { AnyManifest } from './manifest.ts'
import { statusRoute } from './status-route.ts'

/** The routes that the platform adds to every service. */
export function platformRoutes(manifest: AnyManifest) {
  return [...jobRoutes(manifest), statusRoute(manifest)]
}
