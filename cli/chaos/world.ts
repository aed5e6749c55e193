import { mkdirSync } from 'node:fs'
import { processEnvironment } from '@slipway/config'
import { files } from '@slipway/files'
import { identity } from '@slipway/identity'
import { freePorts } from '@slipway/stack'
import { type ProcessPlan, processEnvironmentOf } from '../environment.ts'
import type { Home } from '../home.ts'
import { StackSecrets } from '../secrets.ts'
import { edgeUnit } from '../stack/edge-unit.ts'
import { planProcesses, processChild, processName } from '../stack/processes.ts'
import { ensureAllBuckets, migrateAll } from '../stack/schema.ts'
import { makeDemo } from '../stack/seed.ts'
import { stackTarget, type Target } from '../target.ts'
import { type Replica, startReplica } from './replica.ts'
import { type ChaosStores, startStores } from './stores.ts'
import { openBalancer } from './way.ts'

/** What takes part: those whose processes hold the scan gate, and who says who may call it. */
export const manifests = [identity, files] as const
export const replicasOfEach = 2
/** Connections of each process and role. */
export const poolSize = 10
/** In which a process that nobody disturbs becomes ready, on a machine that has other things to do. */
const readySeconds = 180

export const syncBytes = 256 * 1024
const maxFileBytes = 16 * 1024 * 1024
/** Room for what clamd takes for an archive in random bytes. */
const scannedBytes = 2 * maxFileBytes

/** Small limits, so that what lies beyond them is quickly made; short ones for what hangs; none on how fast a caller calls, but for routes with a limit of their own. */
const limits = {
  FILES_SYNC_BYTES: String(syncBytes),
  FILES_MAX_BYTES: String(maxFileBytes),
  CLAMAV_MAX_FILE_BYTES: String(scannedBytes),
  CLAMAV_IDLE_SECONDS: '5',
  CLAMAV_QUEUE_SECONDS: '5',
  DATABASE_CONNECT_SECONDS: '5',
  DATABASE_POOL_SIZE: String(poolSize),
  HTTP_REQUESTS_PER_MINUTE: '10000000',
  LOG_LEVEL: 'warn',
}

/** A whole platform of real processes, two of each, behind balancers. */
export interface World extends AsyncDisposable {
  readonly folder: string
  readonly stores: ChaosStores
  readonly replicas: readonly Replica[]
  /** Balancer before the public listeners of files, and of identity. */
  readonly ports: { readonly files: number; readonly identity: number }
  /** Of each API of files, past its balancer. */
  readonly filesPorts: readonly number[]
  readonly apiKey: string
  /** As commands see it, past the ways. */
  readonly target: Target
  /** More variables for a replica, from its next start on. */
  readonly extra: Map<string, Record<string, string>>
}

interface WorldOptions {
  readonly home: Home
  readonly onOwnEnd: (what: string) => void
  readonly progress: (text: string) => void
  readonly signal: AbortSignal
}

export async function startWorld({ home, onOwnEnd, progress, signal }: WorldOptions): Promise<World> {
  await using stack = new AsyncDisposableStack()
  mkdirSync(home.logs, { recursive: true })
  progress('starting Postgres, Redis, ClamAV and SeaweedFS')
  const stores = stack.use(await startStores(home.folder, scannedBytes))
  const secrets = new StackSecrets(home.secrets)
  const target = stackTarget(stores.direct, secrets)
  await Promise.all([migrateAll(manifests, target), ensureAllBuckets(manifests, target)])
  const plans = (await Promise.all(Array.from({ length: replicasOfEach }, () => planProcesses(manifests)))).flat()
  const balance = async (name: string, which: 'open' | 'internal') =>
    stack.use(await openBalancer(plans.filter((plan) => processName(plan) === name).map((plan) => plan.ports[which]))).port
  const ports = { files: await balance('files-api', 'open'), identity: await balance('identity-api', 'open') }
  const identityUrl = `http://127.0.0.1:${await balance('identity-api', 'internal')}`
  const [publicPort = 0] = await freePorts(1)
  const publicUrl = `http://127.0.0.1:${publicPort}`
  const inherited = { ...processEnvironment(), ...limits, TMPDIR: home.folder }
  const extra = new Map<string, Record<string, string>>()
  const environment = (plan: ProcessPlan, name: string) => ({
    ...processEnvironmentOf(plan, { stores: stores.seen, secrets, manifests, publicUrl, identityUrl, inherited }),
    SLIPWAY_INSTANCE: name,
    ...extra.get(name),
  })
  progress(`starting ${plans.length} processes: two of each API and each worker`)
  const replicas = plans.map((plan, index) => {
    const kind = processName(plan)
    const name = `${kind}-${Math.floor((index * replicasOfEach) / plans.length) + 1}`
    const child = () => ({ ...processChild(plan, { name, home, environment: environment(plan, name) }), readySeconds })
    return stack.use(startReplica({ name, kind, child, onOwnEnd }))
  })
  await Promise.all(replicas.map((replica) => replica.ready(readySeconds * 1000, signal)))
  const apiKey = await apiKeyOf({ plans: behind(plans, ports), publicPort, mailPort: stores.mail.httpPort, publicUrl })
  const filesPorts = plans.filter((plan) => processName(plan) === 'files-api').map((plan) => plan.ports.open)
  const owned = stack.move()
  return {
    folder: home.folder,
    stores,
    replicas,
    ports,
    filesPorts,
    apiKey,
    target,
    extra,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** As one process of each kind would be, at the port of its balancer. */
function behind(plans: readonly ProcessPlan[], ports: Readonly<Record<string, number>>): ProcessPlan[] {
  return plans
    .filter(({ kind }, index, all) => kind === 'api' && all.findIndex((plan) => plan.manifest === all[index]?.manifest) === index)
    .map((plan) => ({ ...plan, ports: { ...plan.ports, open: ports[plan.manifest.name] ?? 0 } }))
}

interface Entrance {
  readonly plans: readonly ProcessPlan[]
  readonly publicPort: number
  readonly publicUrl: string
  readonly mailPort: number
}

/** Made by the public API, as anybody's; the edge is there for that long. */
async function apiKeyOf({ plans, publicPort, publicUrl, mailPort }: Entrance): Promise<string> {
  const edge = await edgeUnit({ port: publicPort, manifests, plans, mailPort }).start(new AbortController().signal, () => undefined)
  try {
    return (await makeDemo(publicUrl, 'a passphrase of this run only')).SLIPWAY_API_KEY
  } finally {
    await edge.kill()
  }
}
