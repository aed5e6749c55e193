import { platformVariables, processEnvironment, readConfig } from '@slipway/config'
import type { AnyManifest } from '@slipway/service'
import { reclaimPort } from '@slipway/stack'
import { listenFailure } from '../edge/edge.ts'
import { type ProcessPlan, processEnvironmentOf, type Stores } from '../environment.ts'
import type { Home } from '../home.ts'
import { StackSecrets } from '../secrets.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { stackTarget } from '../target.ts'
import { removeConnections, writeConnections } from './connections.ts'
import { buildConsole } from './console.ts'
import { edgeUnit } from './edge-unit.ts'
import { planProcesses, processName, processUnit } from './processes.ts'
import { ensureAllBuckets, migrateAll } from './schema.ts'
import { seed } from './seed.ts'
import { type StoreUnits, storeUnits } from './stores.ts'

interface BringUpOptions {
  home: Home
  port: number
  url: string
  supervisor: Supervisor
  /** For the person at the terminal. */
  progress: (text: string) => void
  log: (line: string) => void
}

/**
 * Starts everything, side by side where nothing depends on the other, and fills an empty stack with a demo tenant.
 * @throws what could not be started; the caller stops the rest
 */
export async function bringUp(options: BringUpOptions): Promise<void> {
  const { home, port, url, supervisor, progress } = options
  // Taken before the others are chosen: none of them may get it while the edge is not yet open.
  if (!(await reclaimPort(port, 'edge'))) throw await listenFailure(Object.assign(new Error('in use'), { code: 'EADDRINUSE' }), port)
  removeConnections(home)
  const secrets = new StackSecrets(home.secrets)
  progress('starting Postgres, Redis, ClamAV, SeaweedFS and a mail catcher')
  const stores = await storeUnits({ home, maxFileBytes: largestFile(), log: options.log })
  const { manifests, plans } = await startStores({ ...options, stores, secrets })
  progress(`starting ${plans.map(processName).join(', ')}`)
  const environment = environmentFor({ manifests, plans, stores: stores.connections, secrets, url })
  await supervisor.start(plans.map((plan) => processUnit(plan, { home, environment })))
  const processes = Object.fromEntries(plans.map((plan) => [processName(plan), plan.ports]))
  writeConnections(home, { stores: stores.connections, processes, signatures: stores.signatures() })
  await seed({ home, url, secrets, progress })
}

interface Installation {
  manifests: readonly AnyManifest[]
  plans: readonly ProcessPlan[]
}

interface StartStores extends BringUpOptions {
  stores: StoreUnits
  secrets: StackSecrets
}

/** Postgres is migrated and buckets are made while the others still start; meanwhile the modules of the services load. */
async function startStores({ port, supervisor, progress, stores, secrets }: StartStores): Promise<Installation> {
  const { units, connections, mailPort } = stores
  const installation = plan()
  const target = stackTarget(connections, secrets)
  const migrated = async () => {
    const { manifests } = await installation
    const { applied } = await migrateAll(manifests, target)
    if (applied.length > 0) progress(`applied ${applied.length} migrations`)
  }
  const [planned] = await Promise.all([
    installation,
    installation.then((planned) => supervisor.start([edgeUnit({ port, mailPort, ...planned })])),
    supervisor.start([units.redis, units.clamd, units.mail]),
    buildConsole(progress),
    supervisor.start([units.postgres]).then(migrated),
    supervisor.start([units.seaweed]).then(async () => ensureAllBuckets((await installation).manifests, target)),
  ])
  return planned
}

async function plan(): Promise<Installation> {
  const { services: manifests } = await import('../services.ts')
  return { manifests, plans: await planProcesses(manifests) }
}

interface EnvironmentBasis extends Installation {
  stores: Stores
  secrets: StackSecrets
  url: string
}

function environmentFor({ plans, ...basis }: EnvironmentBasis): (plan: ProcessPlan) => Record<string, string> {
  const identity = plans.find((plan) => plan.manifest.name === 'identity' && plan.kind === 'api')
  const identityUrl = `http://127.0.0.1:${identity?.ports.internal}`
  const options = { ...basis, publicUrl: basis.url, identityUrl, inherited: processEnvironment() }
  return (plan) => processEnvironmentOf(plan, options)
}

/** clamd and the processes must agree on it: both get it from the environment of the developer, or both take the default. */
function largestFile(): number {
  const { maxFileBytes } = platformVariables.scanner
  const names = [maxFileBytes.name, `${maxFileBytes.name}_FILE`]
  const chosen = Object.fromEntries(names.map((name) => [name, processEnvironment()[name]]))
  return readConfig({ maxFileBytes }, chosen).maxFileBytes
}
