import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Home, homeAt } from '../home.ts'
import { type Breakage, leaveSome, loseOne } from './breakage.ts'
import type { Fault } from './faults/fault.ts'
import type { Client } from './insist.ts'
import { Ledger, type Violation } from './ledger.ts'
import { measurePace, startLoad } from './load.ts'
import { createMeter } from './meter.ts'
import { type Probe, startProbe } from './probe.ts'
import { type Reckoning, reckon, settleAll, settleRescans } from './reckoning.ts'
import { brokeByKill } from './replica.ts'
import { renderTrial, renderViolation } from './report.ts'
import { runTrial, type Trial } from './trial.ts'
import { startWorld, type World } from './world.ts'

export interface ChaosOptions {
  readonly faults: readonly Fault[]
  readonly breakage: Breakage | null
  readonly print: (text: string) => void
  readonly signal: AbortSignal
}

export interface ChaosResult {
  readonly seconds: number
  readonly load: { readonly average: readonly number[]; readonly requestsPerSecond: number; readonly heldBack: number }
  readonly trials: readonly Trial[]
  readonly uploads: { readonly all: number; readonly infected: number; readonly byState: Readonly<Record<string, number>> }
  readonly probe: { readonly rounds: Probe['rounds']; readonly objects: number; readonly longestGapSeconds: number }
  readonly restarts: Readonly<Record<string, number>>
  readonly reckoning: Reckoning
  readonly violationCount: number
  /** Of these, what may tell of the machine only: answers and recoveries that came too late, faults that did not come about. */
  readonly lateCount: number
  readonly violations: readonly Violation[]
}

const measureSeconds = 5
const steadySeconds = 5
const patienceSeconds = 60
/** In which the last requests come to their ends, once nothing disturbs them any more: above the lease of a killed process, and a few tries. */
const lastSeconds = 120
/** Above the lease of a killed process and a few tries of `file-scan`; and again, of `file-rescan`. */
const settleSeconds = 240
/** For all that is compared in the end. */
const reckoningSeconds = 600

/** Runs all of it in a folder that is removed afterwards, unless something was violated or failed. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { print, signal } = options
  const home = homeAt(mkdtempSync(join(tmpdir(), 'slipway-chaos-')))
  const ledger = new Ledger()
  const began = performance.now()
  print(`  logs and data in ${home.folder}`)
  try {
    const course = await inWorld(home, ledger, options)
    const { violations, violationCount, lateCount } = ledger
    if (violationCount === 0) rmSync(home.folder, { recursive: true, force: true })
    return { seconds: Math.round((performance.now() - began) / 1000), ...course, violationCount, lateCount, violations }
  } catch (error) {
    if (signal.aborted) rmSync(home.folder, { recursive: true, force: true })
    for (const violation of ledger.violations) print(renderViolation(violation))
    throw error
  }
}

async function inWorld(home: Home, ledger: Ledger, options: ChaosOptions) {
  const { print, signal, breakage } = options
  const onOwnEnd = (what: string) => ledger.violate('ended-by-itself', what)
  await using world = await startWorld({ home, progress: (text) => print(`  ${text}`), signal, onOwnEnd })
  if (breakage === 'lie') world.stores.clamdWay.manner = 'lie'
  return { ...(await chaosIn(world, ledger, options)), restarts: restartsOf(world) }
}

type Course = Omit<ChaosResult, 'seconds' | 'restarts' | 'violationCount' | 'lateCount' | 'violations'>

async function chaosIn(world: World, ledger: Ledger, { faults, breakage, print, signal }: ChaosOptions): Promise<Course> {
  const over = new AbortController()
  const going: Going = { fault: undefined }
  const client = clientOf(world, { ledger, going, signal: AbortSignal.any([signal, over.signal]) })
  const pace = await measurePace(client, measureSeconds)
  const average = loadavg().map((value) => Math.round(value * 10) / 10)
  print(`  ${pace} requests per second, half of what this machine carries now; load average ${average.join(' ')}`)
  const load = startLoad(client, pace)
  // To the end, also when requests of the load come to none.
  const probe = startProbe({ ...client, signal }, world.target.storage)
  const trials: Trial[] = []
  for (const fault of faults) {
    going.fault = fault
    const trial = await runTrial({ world, client, signal }, fault, { steadySeconds, patienceSeconds, pace })
    trials.push(trial)
    print(renderTrial(trial))
  }
  going.fault = undefined
  ledger.during = 'the end'
  const patience = setTimeout(() => over.abort(new Error('the run is over')), lastSeconds * 1000)
  await load.stop()
  clearTimeout(patience)
  // What comes to no end in its time is told of; the rest is compared all the same.
  const within = (seconds: number): Client => ({ ...client, signal: AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]) })
  await settleAll(within(settleSeconds))
  await settleRescans({ ledger, signal }, world, settleSeconds)
  await probe.stop()
  const last = within(reckoningSeconds)
  if (breakage === 'lose') await loseOne(world)
  const reckoning = await reckon(last, world, breakage === 'leave' ? () => leaveSome(world) : undefined)
  return {
    load: { average, requestsPerSecond: pace, heldBack: load.held },
    trials,
    uploads: countUploads(ledger),
    probe: { rounds: probe.rounds, objects: probe.read, longestGapSeconds: Math.round(probe.longestGapMilliseconds / 100) / 10 },
    reckoning,
  }
}

/** What happens now. */
interface Going {
  fault: Fault | undefined
}

interface ClientBasis {
  readonly ledger: Ledger
  readonly going: Going
  readonly signal: AbortSignal
}

function clientOf({ ports, apiKey, replicas }: World, { ledger, going, signal }: ClientBasis): Client {
  return {
    port: ports.files,
    apiKey,
    ledger,
    meter: createMeter(),
    signal,
    // The only processes that hold connections of these clients: what dies behind them has to become an answer.
    mayBreak: (began, method) => going.fault?.breaks?.(method) === true || brokeByKill(replicas, 'files-api', began),
  }
}

function restartsOf({ replicas }: World): Record<string, number> {
  return Object.fromEntries(replicas.map(({ name, restarts }) => [name, restarts]))
}

function countUploads({ entries }: Ledger): ChaosResult['uploads'] {
  const byState = Object.fromEntries([...Map.groupBy(entries, ({ state }) => state)].map(([state, all]) => [state, all.length]))
  return { all: entries.length, infected: entries.filter(({ isInfected }) => isInfected).length, byState }
}
