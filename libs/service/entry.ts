import { ConfigError, processEnvironment } from '@slipway/config'
import { shutdownTelemetry } from '@slipway/telemetry'
import { createApi, listenApi } from './api.ts'
import type { Host } from './host.ts'
import { type AnyManifest, ManifestError } from './manifest.ts'
import { onSignals, type Phase, runPhases } from './shutdown.ts'
import { createWorker, listenWorker } from './worker.ts'

/** Exit code of a process whose configuration cannot work: restarting it changes nothing (sysexits.h, EX_CONFIG). */
const configurationFault = 78

/** Runs the API of one or more services until the process is told to stop: the whole of a service's `api.ts`. */
export async function serve(...manifests: readonly AnyManifest[]): Promise<void> {
  await run(async () => {
    const api = await createApi(manifests, { environment: processEnvironment() })
    try {
      const { open, internal } = await listenApi(api)
      const announce = () => api.host.log.info({ port: open.port, internalPort: internal.port }, 'listening')
      return { host: api.host, phases: api.shutdown([open, internal]), announce }
    } catch (error) {
      await close(api.host, api.shutdown([]))
      throw error
    }
  })
}

/** Runs the workers of one or more services until the process is told to stop: the whole of a service's `worker.ts`. */
export async function work(...manifests: readonly AnyManifest[]): Promise<void> {
  await run(async () => {
    const worker = await createWorker(manifests, { environment: processEnvironment() })
    try {
      const server = await listenWorker(worker)
      const announce = () => worker.host.log.info({ internalPort: server.port }, 'working')
      return { host: worker.host, phases: worker.shutdown(server), announce }
    } catch (error) {
      await close(worker.host, worker.shutdown())
      throw error
    }
  })
}

interface Started {
  readonly host: Host
  readonly phases: readonly Phase[]
  /** Says that it runs: once it can be told to stop. */
  readonly announce: () => void
}

async function run(start: () => Promise<Started>): Promise<void> {
  try {
    const { host, phases, announce } = await start()
    const stop = stopOnce({ host, phases })
    onSignals(
      process,
      (signal) => stop(signal, 0),
      () => process.exit(1),
    )
    onFatal((error, origin) => {
      host.log.fatal({ err: error, origin }, 'a failure that nobody handled')
      stop(origin, 1)
    })
    announce()
  } catch (error) {
    report(error)
    await shutdownTelemetry()
    end(error instanceof ConfigError || error instanceof ManifestError ? configurationFault : 1)
  }
}

/** Whatever else goes wrong while the process stops is a reason for another exit code, not for a second stop beside the first. */
function stopOnce({ host, phases }: Pick<Started, 'host' | 'phases'>): (reason: string, exitCode: number) => void {
  let worst: number | null = null
  return (reason, exitCode) => {
    const stopping = worst !== null
    worst = Math.max(worst ?? 0, exitCode)
    if (stopping) return
    host.log.info({ reason }, 'stopping')
    void close(host, phases).then((clean) => end(clean ? (worst ?? 0) : 1))
  }
}

/** @returns whether every phase ended well */
async function close({ config, log }: Host, phases: readonly Phase[]): Promise<boolean> {
  const deadline = config.platform.shutdown.seconds * 1000
  const reports = await runPhases([...phases, { name: 'telemetry', run: () => shutdownTelemetry() }], { deadline, log })
  return reports.every((report) => report.outcome === 'done')
}

/** Lets the process end by itself and sees to it that it does: a forgotten handle must not keep a pod until it is killed. */
function end(exitCode: number): void {
  process.exitCode = exitCode
  setTimeout(() => process.exit(exitCode), 1000).unref()
}

/**
 * After a failure that nobody handled the state is unknown: stop in order and let the supervisor start anew. The first is seldom the
 * last: the others must not end the process before its jobs are given back.
 */
function onFatal(handle: (error: unknown, origin: string) => void): void {
  process.on('uncaughtException', (error) => handle(error, 'uncaughtException'))
  process.on('unhandledRejection', (error) => handle(error, 'unhandledRejection'))
}

/** Before there is a log: what is wrong, for people, on standard error. */
function report(error: unknown): void {
  const expected = error instanceof ConfigError || error instanceof ManifestError
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
}
