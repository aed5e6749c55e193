import { join } from 'node:path'
import type { AnyManifest } from '@slipway/service'
import { freePorts } from '@slipway/stack'
import type { ProcessPlan } from '../environment.ts'
import { checkout, type Home, logFile } from '../home.ts'
import { type ChildOptions, startChild } from '../supervisor/child.ts'
import type { Unit } from '../supervisor/unit.ts'

/** An API and, where there is something to work on, a worker for every service, each with ports of its own. */
export async function planProcesses(manifests: readonly AnyManifest[]): Promise<ProcessPlan[]> {
  const wanted = manifests.flatMap((manifest) => [
    { manifest, kind: 'api' as const },
    ...(manifest.queues.length > 0 ? [{ manifest, kind: 'worker' as const }] : []),
  ])
  const ports = await freePorts(wanted.length * 2)
  return wanted.map((plan, index) => ({ ...plan, ports: { open: ports[index * 2] ?? 0, internal: ports[index * 2 + 1] ?? 0 } }))
}

export function processName({ manifest, kind }: Pick<ProcessPlan, 'manifest' | 'kind'>): string {
  return `${manifest.name}-${kind}`
}

interface ProcessOptions {
  home: Home
  environment: (plan: ProcessPlan) => Record<string, string>
}

/** Seconds that a process may take to become ready: a loaded machine is slow to load modules. */
const readySeconds = 60
/** A little above `SHUTDOWN_SECONDS`, in which a process ends by itself. */
const stopSeconds = 30
/** As in the images. */
const newSpace = '--max-semi-space-size=4'

export function processUnit(plan: ProcessPlan, { home, environment }: ProcessOptions): Unit {
  const name = processName(plan)
  return {
    name,
    kind: plan.kind,
    port: plan.kind === 'api' ? plan.ports.open : plan.ports.internal,
    start: (signal, spawned) => startChild(processChild(plan, { name, home, environment: environment(plan) }), { signal, spawned }),
  }
}

interface ChildBasis {
  /** Of its log; that of the process where there is one of it only. */
  readonly name: string
  readonly home: Home
  readonly environment: Readonly<Record<string, string>>
}

export function processChild({ manifest, kind, ports }: ProcessPlan, { name, home, environment }: ChildBasis): ChildOptions {
  return {
    name,
    command: process.execPath,
    args: [newSpace, '--import', '@slipway/service/preload', join('services', manifest.name, `${kind}.ts`)],
    environment,
    folder: checkout,
    logFile: logFile(home, name),
    readyUrl: `http://127.0.0.1:${ports.internal}/health/ready`,
    readySeconds,
    stopSeconds,
  }
}
