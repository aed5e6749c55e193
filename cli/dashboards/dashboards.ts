import { api } from './api.ts'
import { collector } from './collector.ts'
import { overview } from './overview.ts'
import { dashboardJson } from './panel.ts'
import { queues } from './queues.ts'
import { scanning } from './scanning.ts'
import { stores } from './stores.ts'

/** By path from the root of the repository. */
export function dashboardFiles(): Readonly<Record<string, string>> {
  const dashboards = [overview, api, queues, scanning, stores, collector]
  return Object.fromEntries(dashboards.map((dashboard) => [`helm/slipway/dashboards/${dashboard.name}.json`, dashboardJson(dashboard)]))
}
