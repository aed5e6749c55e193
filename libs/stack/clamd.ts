import { resolve } from 'node:path'
import { requireProgram } from './binaries.ts'
import { defaultCache } from './cache.ts'
import { clamdCommand } from './clamd-control.ts'
import { clamdLimits, type LimitOptions, type Limits } from './clamd-limits.ts'
import { findRealDatabase, replaceTestDatabase, writeTestDatabase } from './clamd-signatures.ts'
import { refreshSignatures } from './freshclam.ts'
import { type Home, makeFolder, openHome, writePrivately } from './home.ts'
import { launch } from './launch.ts'
import type { Part, PartOptions } from './part.ts'
import { onPort } from './ports.ts'
import { claimed, type Seat } from './run-file.ts'

export type Signatures = 'test' | 'real'

export interface ClamdPart extends Part {
  readonly host: string
  readonly port: number
  /** Which database is in use now. Turns from `test` to `real` when freshclam has brought one. */
  readonly signatures: Signatures
  /** Settles when no update of the signatures is under way any more. */
  readonly updated: Promise<Signatures>
}

export interface ClamdOptions extends PartOptions, LimitOptions {
  readTimeoutSeconds?: number
  /** `test`: only the EICAR signature. `auto` (default): the official database when there is one or freshclam can fetch it. */
  signatures?: 'test' | 'auto'
  /** Folder for signatures that stacks share. */
  cache?: string
}

/** clamd on 127.0.0.1. It never waits for a download: without a database it starts with the test signature and changes over later. */
export async function startClamd(options: ClamdOptions): Promise<ClamdPart> {
  const limits = clamdLimits(options)
  const home = await openHome(options.home)
  const command = await requireProgram('clamd')
  const seat: Seat = { name: 'clamd', home, stopSignal: 'SIGTERM', stopSeconds: 20, log: options.log }
  return claimed(seat, () => onPort('clamd', options.port, (port) => startServer(seat, { ...options, command, port, limits })))
}

async function startServer(seat: Seat, options: ClamdOptions & { command: string; port: number; limits: Limits }): Promise<ClamdPart> {
  const { command, port, limits, signatures = 'auto', readTimeoutSeconds = 120 } = options
  const shared = resolve(options.cache ?? defaultCache(), 'clamav')
  const real = signatures === 'test' ? undefined : await findRealDatabase(shared)
  const database = real ?? (await testDatabase(seat.home))
  const configuration = await writeConfiguration(seat.home, { port, database, limits, readTimeout: readTimeoutSeconds })
  const part = await launch(seat, {
    command,
    args: ['--config-file', configuration],
    isReady: async () => (await clamdCommand(port, 'PING')) === 'PONG',
    // The official database takes minutes to load on a slow disk.
    readySeconds: real ? 300 : 30,
  })
  const update = signatures === 'test' ? noUpdate() : updateInBackground({ seat, port, database, shared })
  return withSignatures(part, { port, real: real !== undefined, update })
}

async function testDatabase(home: Home): Promise<string> {
  const folder = resolve(home.path, 'clamd', 'signatures')
  await writeTestDatabase(folder)
  return folder
}

interface Update {
  readonly changed: Promise<boolean>
  cancel(): void
}

function noUpdate(): Update {
  return { changed: Promise.resolve(false), cancel: () => undefined }
}

interface UpdateTarget {
  seat: Seat
  port: number
  database: string
  shared: string
}

function updateInBackground({ seat, port, database, shared }: UpdateTarget): Update {
  const abort = new AbortController()
  const update = async () => {
    const { home, log } = seat
    const fetched = await refreshSignatures({ home, folder: shared, inUse: database, signal: abort.signal, log })
    if (!fetched || abort.signal.aborted) return false
    if (database !== shared) await replaceTestDatabase(database, shared)
    await clamdCommand(port, 'RELOAD')
    return true
  }
  return { changed: update(), cancel: () => abort.abort() }
}

function withSignatures(part: Part, state: { port: number; real: boolean; update: Update }): ClamdPart {
  let signatures: Signatures = state.real ? 'real' : 'test'
  const updated = state.update.changed
    .then((changed) => {
      if (changed) signatures = 'real'
      return signatures
    })
    .catch(() => signatures)
  const stop = async () => {
    state.update.cancel()
    await updated
    await part.stop()
  }
  return {
    ...part,
    host: '127.0.0.1',
    port: state.port,
    get signatures() {
      return signatures
    },
    updated,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

interface Settings {
  port: number
  database: string
  limits: Limits
  readTimeout: number
}

async function writeConfiguration(home: Home, settings: Settings): Promise<string> {
  const temporary = await makeFolder(resolve(home.path, 'clamd', 'tmp'), 0o700)
  const path = resolve(home.path, 'clamd', 'clamd.conf')
  await writePrivately(path, configurationText(temporary, settings))
  return path
}

/** Options are those of clamd.conf(5) of ClamAV 1.4. */
export function configurationText(temporary: string, { port, database, limits, readTimeout }: Settings): string {
  return [
    'Foreground yes',
    `TCPSocket ${port}`,
    'TCPAddr 127.0.0.1',
    `DatabaseDirectory ${database}`,
    `TemporaryDirectory ${temporary}`,
    'LogTime yes',
    `StreamMaxLength ${limits.streamMaxBytes}`,
    `MaxFileSize ${limits.maxFileBytes}`,
    `MaxScanSize ${limits.maxScanBytes}`,
    `MaxScanTime ${limits.maxScanMilliseconds}`,
    'AlertExceedsMax yes',
    'AlertEncrypted yes',
    'MaxThreads 32',
    'MaxQueue 128',
    `ReadTimeout ${readTimeout}`,
    'CommandReadTimeout 30',
    // Two copies of the official database at a time need more memory than a development machine can spare.
    'ConcurrentDatabaseReload no',
    // Until it has reloaded, clamd answers nobody; and it begins when its idle threads have ended (tried with 1.4: 29 s of silence by default).
    'IdleTimeout 1',
    '',
  ].join('\n')
}
