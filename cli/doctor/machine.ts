import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { findMissingPrograms } from '@slipway/stack'
import { defaultPort, type Home, homeOption } from '../home.ts'
import { isPortFree } from '../ports.ts'
import { readState, type StackState } from '../supervisor/state.ts'
import { type Check, well } from './checks.ts'

const mebibyte = 1024 * 1024
const enoughBytes = 2048 * mebibyte
const leastBytes = 512 * mebibyte

/** What this machine must offer to a stack. */
export function machineChecks(home: Home, state: StackState | null): Check[] {
  return [
    { name: 'node', run: async () => well(`Node ${process.versions.node}`) },
    { name: 'programs', run: programs },
    { name: 'disk', run: () => disk(home) },
    { name: 'stack', run: () => stack(home, state) },
  ]
}

async function programs() {
  const missing = await findMissingPrograms()
  if (missing === undefined) return well('redis-server, clamd and freshclam are installed')
  return { level: 'fail' as const, what: missing.what, fix: missing.fix }
}

async function disk({ folder }: Home) {
  const { bavail, bsize } = await statfs(nearestFolder(folder))
  const free = bavail * bsize
  const what = `${Math.floor(free / mebibyte)} MiB free on the disk of ${folder}`
  if (free >= enoughBytes) return well(what)
  const level = free >= leastBytes ? ('warn' as const) : ('fail' as const)
  return { level, what, fix: 'free some disk space, or choose a home on another disk with --home' }
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path))
}

async function stack(home: Home, state: StackState | null) {
  if (state) return stackThatRuns(home, state)
  if (readState(home.state)) {
    return {
      level: 'warn' as const,
      what: 'the supervisor was killed',
      fix: `run \`slipway down${homeOption(home)}\` to end what it left behind`,
    }
  }
  if (await isPortFree(defaultPort)) return well(`nothing runs; port ${defaultPort} is free`)
  return {
    level: 'warn' as const,
    what: `nothing runs, but port ${defaultPort} is in use by another program`,
    fix: 'stop it, or use `slipway up --port N`',
  }
}

async function stackThatRuns(home: Home, { phase, url, units }: StackState) {
  const restarted = units.filter((unit) => unit.restarts > 0)
  if (phase !== 'ready') return { level: 'warn' as const, what: `${phase}: ${url}`, fix: 'wait a moment and look again' }
  if (restarted.length === 0) return well(`runs at ${url}`)
  const names = restarted.map((unit) => `${unit.name} (${unit.restarts}×, last: ${unit.lastFailure?.split('\n', 1)[0]})`).join(', ')
  return { level: 'warn' as const, what: `restarted: ${names}`, fix: `read \`slipway logs${homeOption(home)} ${restarted[0]?.name}\`` }
}
