import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePrograms } from '@slipway/stack'
import { pause } from '../../supervisor/poll.ts'
import type { Replica } from '../replica.ts'
import type { Chaos, Fault } from './fault.ts'
import { allReady } from './processes.ts'

const stepSeconds = 300
const aheadSeconds = 10

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
    const step = (seconds: number) => writeFileSync(clock, `${seconds >= 0 ? '+' : ''}${seconds}\n`)
    step(0)
    const variables = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
    const stepping = world.replicas.filter(({ name }) => name.endsWith('-2'))
    for (const { name } of stepping) world.extra.set(name, variables)
    await again(stepping, chaos)
    step(stepSeconds)
    await pause(aheadSeconds * 1000, signal)
    step(-stepSeconds)
    return async () => {
      world.extra.clear()
      await again(stepping, chaos)
    }
  },
}

/** With the variables of now. */
async function again(replicas: readonly Replica[], { world, signal }: Chaos): Promise<void> {
  for (const replica of replicas) replica.kill()
  await allReady(world.replicas, signal)
}

/** The one for programs with threads, which Debian keeps beside the program. */
async function clockLibrary(): Promise<string | undefined> {
  const program = await ensurePrograms(['faketime']).catch(() => undefined)
  if (program === undefined || !existsSync('/usr/lib')) return undefined
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'faketime'))
  return folders.map((folder) => join(folder, 'libfaketimeMT.so.1')).find((file) => existsSync(file))
}

export const clockFaults: readonly Fault[] = [stepped]
