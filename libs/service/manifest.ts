import type { Values, VariableTree } from '@slipway/config'
import type { Database } from '@slipway/db'
import type { Route } from '@slipway/http'
import type { QueueDefinition, QueueLimits, Schedule } from '@slipway/queue'
import type { BucketRows } from '@slipway/storage'
import { platformRoutes } from './platform-routes.ts'
import type { Runtime } from './runtime.ts'

/**
 * The one declaration of a service. The API host, the worker host, the OpenAPI document, the edge's route table, migrations and
 * the tests all read it, so a service is complete when its manifest is.
 */
export interface ServiceManifest<Context = unknown, Config extends VariableTree = VariableTree> {
  /** RFC 1123 label; also the name of the Postgres schema, with `-` as `_`. */
  readonly name: string
  readonly title: string
  readonly description: string
  /** The service's own variables, beside those of the platform. */
  readonly config: Config
  /** Folder of `NNNN_name.sql` files. */
  readonly migrations: URL
  /** Readable buckets, without the installation's prefix. What is listed is ensured, probed and swept. */
  readonly buckets: readonly string[]
  /** What its rows say of buckets, for the comparison of both; asked with the system role. */
  readonly bucketRows?: (system: Database) => readonly BucketRows[]
  readonly routes: readonly Route<Context>[]
  readonly queues: readonly QueueDefinition<Context>[]
  readonly schedules: readonly Schedule[]
  /** By the name of the queue: what the configuration says instead of the declaration. */
  readonly limits?: (config: Values<Config>) => Readonly<Record<string, QueueLimits>>
  /** Builds what handlers and processors get, by hand, from what the host offers. Called once per process. */
  readonly context: (runtime: Runtime<Values<Config>>) => Context | Promise<Context>
}

/** A manifest whose context type does not matter to the reader: what hosts and tools take. */
// oxlint-disable-next-line typescript/no-explicit-any -- contexts of different services meet in one list; each is only used with its own routes
export type AnyManifest = ServiceManifest<any, any>

export function defineService<Context, const Config extends VariableTree>(
  manifest: ServiceManifest<Context, Config>,
): ServiceManifest<Context, Config> {
  return Object.freeze(manifest)
}

/** Everything that is wrong with a set of manifests that are to share a process or a platform. */
export class ManifestError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The services do not fit together:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.name = 'ManifestError'
    this.faults = faults
  }
}

/**
 * The start-up self-check: every queue is declared once and has a processor, every schedule names a declared queue, no two
 * routes, operations, buckets or services share a name; those that the platform adds to every service count too, as they would win.
 * @throws {ManifestError} with every fault at once
 */
export function checkManifests(manifests: readonly AnyManifest[]): void {
  const services = new Map(manifests.map((manifest) => [manifest.name, manifest]))
  const added = [...services.values()].flatMap((manifest) => platformRoutes(manifest))
  const routes = [...manifests.flatMap((manifest) => manifest.routes), ...added]
  const faults = [
    ...repeated(
      'service',
      manifests.map((manifest) => manifest.name),
    ),
    ...repeated(
      'queue',
      manifests.flatMap((manifest) => manifest.queues.map((queue) => queue.name)),
    ),
    ...repeated(
      'schedule',
      manifests.flatMap((manifest) => manifest.schedules.map((schedule) => schedule.id)),
    ),
    ...repeated(
      'bucket',
      manifests.flatMap((manifest) => manifest.buckets),
    ),
    ...repeated(
      'operation',
      routes.map((route) => route.operation),
    ),
    ...repeated(
      'route',
      routes.map((route) => `${route.method} ${shape(route.path)}`),
    ),
    ...manifests.flatMap(faultsWithin),
  ]
  if (faults.length > 0) throw new ManifestError(faults)
}

function faultsWithin(manifest: AnyManifest): string[] {
  const faults: string[] = []
  const queues = new Set(manifest.queues.map((queue) => queue.name))
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(manifest.name)) faults.push(`service "${manifest.name}" is not an RFC 1123 label`)
  for (const queue of manifest.queues) {
    if (typeof queue.processor !== 'function') faults.push(`queue "${queue.name}" of ${manifest.name} has no processor`)
  }
  for (const schedule of manifest.schedules) {
    if (!queues.has(schedule.queue.name))
      faults.push(`schedule "${schedule.id}" names queue "${schedule.queue.name}", which ${manifest.name} does not declare`)
  }
  for (const route of manifest.routes) {
    const expected = route.internal ? '/internal/v1/' : /^\/(api\/v1|\.well-known)\//
    const fits = typeof expected === 'string' ? route.path.startsWith(expected) : expected.test(route.path)
    if (!fits) faults.push(`route ${route.method} ${route.path} of ${manifest.name} is on the wrong listener for its path`)
  }
  return faults
}

/** Two paths that differ only in the names of their parameters are one route. */
function shape(path: string): string {
  return path.replace(/\{[^}]+\}/g, '{}')
}

function repeated(kind: string, names: readonly string[]): string[] {
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  return [...twice].map((name) => `${kind} "${name}" is declared twice`)
}
