import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { findMissingPrograms } from '@slipway/stack'
import { defaultPort, type Home, homeOption } from '../home.ts'
import { isPortFree } from '../ports.ts'
import { readState, type StackState } from '../supervisor/state.ts'
import { type Check, fault, type Outcome, well } from './checks.ts'
import { temporary } from './temporary.ts'

const mebibyte = 1024 * 1024
const enoughBytes = 2048 * mebibyte
const leastBytes = 512 * mebibyte

/** What this machine must offer to a stack. */
export function machineChecks(home: Home, state: StackState | null): Check[] {
  return [
    { name: 'node', run: async () => well(`Node ${process.versions.node}`) },
    { name: 'programs', run: programs },
    { name: 'disk', run: () => disk(home) },
    { name: 'temporary files', run: temporary },
    { name: 'stack', run: () => stack(home, state) },
  ]
}

async function programs(): Promise<Outcome> {
  const missing = await findMissingPrograms()
  if (missing === undefined) return well('redis-server, clamd and freshclam are installed')
  return fault('machine.programs', missing.what, { fix: missing.fix })
}

async function disk({ folder }: Home): Promise<Outcome> {
  const { bavail, bsize } = await statfs(nearestFolder(folder))
  const free = bavail * bsize
  const what = `${Math.floor(free / mebibyte)} MiB free on the disk of ${folder}`
  if (free >= enoughBytes) return well(what)
  return fault('machine.disk', what, free >= leastBytes ? { level: 'warn' } : {})
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path))
}

async function stack(home: Home, state: StackState | null): Promise<Outcome> {
  if (state) return stackThatRuns(home, state)
  if (readState(home.state)) {
    return fault('machine.stack', 'the supervisor was killed', {
      fix: `run \`slipway down${homeOption(home)}\` to end what it left behind`,
    })
  }
  if (await isPortFree(defaultPort)) return well(`nothing runs; port ${defaultPort} is free`)
  const what = `nothing runs, but port ${defaultPort} is in use by another program`
  return fault('machine.stack', what, { fix: 'stop it, or use `slipway up --port N`' })
}

async function stackThatRuns(home: Home, { phase, url, units }: StackState): Promise<Outcome> {
  const restarted = units.filter((unit) => unit.restarts > 0)
  if (phase !== 'ready') return fault('machine.stack', `${phase}: ${url}`, { fix: 'wait a moment and look again' })
  if (restarted.length === 0) return well(`runs at ${url}`)
  const names = restarted.map((unit) => `${unit.name} (${unit.restarts}×, last: ${unit.lastFailure?.split('\n', 1)[0]})`).join(', ')
  return fault('machine.stack', `restarted: ${names}`, { fix: `read \`slipway logs${homeOption(home)} ${restarted[0]?.name}\`` })
}
