import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePrograms } from '@slipway/stack'
import { pause } from '../../supervisor/poll.ts'
import type { Replica } from '../replica.ts'
import { type Clock, isAbout, showTimes } from '../times.ts'
import type { Chaos, Fault } from './fault.ts'
import { allReady } from './processes.ts'

const stepSeconds = 300
const aheadSeconds = 10
/** For an answer to show the step, which is there at once. */
const shownMilliseconds = 15_000

/** One of each pair lives five minutes ahead for a while, then five minutes behind; its twin and the stores stay on time. */
const stepped: Fault = {
  name: 'clock stepped by five minutes',
  seconds: aheadSeconds,
  async begin(chaos) {
    const { world, note, signal } = chaos
    const library = await clockLibrary()
    if (library === undefined) {
      note('left out: there is no libfaketime here')
      return null
    }
    const clock = join(world.folder, 'clock')
    stepClock(clock, 0)
    const stepping = world.replicas.filter(({ name }) => name.endsWith('-2'))
    for (const { name } of stepping) world.extra.set(name, clockVariables(library, clock))
    await again(stepping, chaos)
    stepClock(clock, stepSeconds)
    await tellTimes(stepping, { seconds: stepSeconds }, chaos)
    await pause(aheadSeconds * 1000, signal)
    stepClock(clock, -stepSeconds)
    await tellTimes(stepping, { seconds: -stepSeconds }, chaos)
    return async () => {
      world.extra.clear()
      await again(stepping, chaos)
    }
  },
}

export function stepClock(clock: string, seconds: number): void {
  writeFileSync(clock, `${signed(seconds)}\n`)
}

/** For a process whose clock is that of the file. */
export function clockVariables(library: string, clock: string): Record<string, string> {
  return { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

interface Step {
  readonly seconds: number
  /** Milliseconds in which it has to be seen. */
  readonly within?: number
}

type Teller = Pick<Chaos, 'note' | 'signal'> & { readonly client: Pick<Chaos['client'], 'ledger'> }

/** What the processes themselves show: a library that is not loaded steps nothing, and nobody would notice. */
export async function tellTimes(clocks: readonly Clock[], { seconds, within = shownMilliseconds }: Step, { client, note, signal }: Teller) {
  const times = await showTimes(clocks, { seconds, within, signal })
  note([...times].map(([name, ahead]) => `${name} ${ahead === null ? 'tells no time' : `${signed(ahead)} s`}`).join(', '))
  const wrong = [...times].filter(([, ahead]) => !isAbout(ahead, seconds)).map(([name]) => name)
  if (wrong.length > 0) client.ledger.violate('no-effect', `${wrong.join(', ')} did not step by ${signed(seconds)} s`)
}

function signed(seconds: number): string {
  return `${seconds >= 0 ? '+' : ''}${seconds}`
}

/** With the variables of now. */
async function again(replicas: readonly Replica[], { world, signal }: Chaos): Promise<void> {
  for (const replica of replicas) replica.kill()
  await allReady(world.replicas, signal)
}

/** The one for programs with threads, which Debian keeps beside the program. */
export async function clockLibrary(): Promise<string | undefined> {
  const program = await ensurePrograms(['faketime']).catch(() => undefined)
  if (program === undefined || !existsSync('/usr/lib')) return undefined
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'faketime'))
  return folders.map((folder) => join(folder, 'libfaketimeMT.so.1')).find((file) => existsSync(file))
}

export const clockFaults: readonly Fault[] = [stepped]
