import { readdir, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { defaultCache } from './cache.ts'
import { type Home, keptSecret, makeFolder, openHome, readIfPresent, writePrivately } from './home.ts'
import { launch } from './launch.ts'
import type { Part, PartOptions } from './part.ts'
import { freePorts, onPort, reclaimPort } from './ports.ts'
import { claimed, type Seat } from './run-file.ts'
import { seaweedBinary } from './seaweed-binary.ts'

export interface SeaweedPart extends Part {
  readonly port: number
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
}

export interface SeaweedOptions extends PartOptions {
  /** False ends it at once instead of letting it finish what it does: for tests. */
  durable?: boolean
  /** Folder for programs that stacks share. */
  cache?: string
}

/** Every port that `weed server` opens. Those of gRPC are the others + 10000 unless they are given. */
const portNames = ['master', 'masterGrpc', 'volume', 'volumeGrpc', 'filer', 'filerGrpc', 's3Grpc'] as const
type Ports = Record<(typeof portNames)[number] | 's3', number>

/**
 * Its filer waits 15 s for subscribers in its own process that never leave. All it has acknowledged is with the kernel by then, so that
 * ending it earlier loses nothing.
 */
const orderlyStopSeconds = 2

/** SeaweedFS as one process: master, volume, filer and S3, all on 127.0.0.1, with one access key that is made up and kept. */
export async function startSeaweed(options: SeaweedOptions): Promise<SeaweedPart> {
  const home = await openHome(options.home)
  const command = await seaweedBinary(options.cache ?? defaultCache())
  const stopSignal = options.durable === false ? 'SIGKILL' : 'SIGTERM'
  const seat: Seat = { name: 'seaweed', home, stopSignal, stopSeconds: orderlyStopSeconds, log: options.log }
  return claimed(seat, () => onPort('seaweed', options.port, (port) => startServer(seat, command, port)))
}

async function startServer(seat: Seat, command: string, port: number): Promise<SeaweedPart> {
  const { home } = seat
  const ports = await choosePorts(home, port)
  const accessKey = await keptSecret(home, 's3-access-key')
  const secretKey = await keptSecret(home, 's3-secret-key')
  await makeFolder(resolve(home.path, dataFolder), 0o700)
  const identities = await writeIdentities(home, { accessKey, secretKey })
  const args = serverArguments({ identities, ports })
  const part = await launch(seat, { command, args, environment: serverEnvironment, isReady: () => serves(ports) })
  const stop = async () => {
    await part.stop()
    await removeSockets(ports)
  }
  const address = { port, endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1' }
  return { ...part, ...address, accessKey, secretKey, stop, [Symbol.asyncDispose]: stop }
}

/** Inner ports stay the same from start to start where they can, as the master keeps its state under its own address. */
async function choosePorts(home: Home, s3: number): Promise<Ports> {
  const path = resolve(home.path, 'seaweed', 'ports.json')
  const kept = await keptPorts(path)
  const chosen = portNames.map(async (name) => {
    const port = kept?.[name]
    const mayStay = typeof port === 'number' && (await reclaimPort(port, home.path))
    return [name, mayStay ? port : (await freePorts(1, home.path))[0]] as const
  })
  const ports = { ...Object.fromEntries(await Promise.all(chosen)), s3 } as Ports
  await makeFolder(resolve(home.path, 'seaweed'))
  await writePrivately(path, JSON.stringify(ports))
  return ports
}

async function keptPorts(path: string): Promise<Partial<Ports> | undefined> {
  try {
    return JSON.parse((await readIfPresent(path)) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

async function writeIdentities(home: Home, credentials: { accessKey: string; secretKey: string }): Promise<string> {
  const path = resolve(home.path, 'seaweed', 's3.json')
  const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging']
  await writePrivately(path, JSON.stringify({ identities: [{ name: 'slipway', credentials: [credentials], actions }] }))
  return path
}

/** From the home, where the process runs: `weed` takes a comma in a path for the end of one of several folders. */
const dataFolder = 'seaweed/data'

/** One volume per new bucket instead of seven: a development machine has many small buckets. */
const serverEnvironment = { WEED_MASTER_VOLUME_GROWTH_COPY_1: '1' }

function serverArguments({ identities, ports }: { identities: string; ports: Ports }): string[] {
  const options = {
    dir: dataFolder,
    ip: '127.0.0.1',
    'ip.bind': '127.0.0.1',
    'master.port': ports.master,
    'master.port.grpc': ports.masterGrpc,
    // A master that resumes waits for one to two of these until it elects itself.
    'master.electionTimeout': '500ms',
    'master.heartbeatInterval': '100ms',
    'master.telemetry': false,
    'master.volumeSizeLimitMB': 1024,
    'volume.port': ports.volume,
    'volume.port.grpc': ports.volumeGrpc,
    'volume.max': 10_000,
    'volume.preStopSeconds': 0,
    filer: true,
    'filer.port': ports.filer,
    'filer.port.grpc': ports.filerGrpc,
    s3: true,
    's3.port': ports.s3,
    's3.port.grpc': ports.s3Grpc,
    's3.port.iceberg': 0,
    's3.port.lance': 0,
    's3.config': identities,
  }
  return ['-logtostderr=true', 'server', ...Object.entries(options).map(([name, value]) => `-${name}=${value}`)]
}

interface Topology {
  Topology: { Free: number }
}

/** S3 answers, and the master knows a volume server with room, without which every write fails. */
async function serves(ports: Ports): Promise<boolean> {
  const signal = AbortSignal.timeout(2000)
  const topology = await fetch(`http://127.0.0.1:${ports.master}/dir/status`, { signal })
  if (!topology.ok || ((await topology.json()) as Topology).Topology.Free <= 0) return false
  const listing = await fetch(`http://127.0.0.1:${ports.s3}/`, { signal })
  await listing.body?.cancel()
  return listing.status === 403
}

/** `weed` opens Unix sockets named after its ports beside its TCP ports, always in /tmp, and leaves them behind. */
async function removeSockets(ports: Ports): Promise<void> {
  const own = new Set(Object.values(ports).map(String))
  const names = (await readdir('/tmp')).filter((name) => own.has(/^seaweedfs-[a-z0-9-]+-(\d+)\.sock$/.exec(name)?.[1] ?? ''))
  await Promise.all(names.map((name) => rm(resolve('/tmp', name), { force: true })))
}
