import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ClamdManner } from '../clamd-way.ts'
import { reach } from '../way.ts'
import type { Chaos, Fault } from './fault.ts'

const run = promisify(execFile)

const killed: Fault = {
  name: 'clamd killed',
  seconds: 8,
  async begin({ world: { stores } }) {
    await stores.clamd.kill()
    return () => stores.clamd.start()
  },
}

const hung: Fault = {
  name: 'clamd hung',
  seconds: 12,
  short: true,
  async begin({ world: { stores } }) {
    const { pid } = stores.clamd.part
    process.kill(pid, 'SIGSTOP')
    return async () => void process.kill(pid, 'SIGCONT')
  },
}

/** Each waits for the scans before it, and holds up those that come after it. */
const reloadMilliseconds = 3000

const reloading: Fault = {
  name: 'clamd reloading',
  seconds: 8,
  async begin({ world: { stores } }) {
    const reload = async () => (await reach(stores.clamd.part.port))?.end('zRELOAD\0').resume()
    await reload()
    const timer = setInterval(() => void reload(), reloadMilliseconds)
    return async () => clearInterval(timer)
  },
}

function cut(manner: ClamdManner, where: string): Fault {
  return {
    name: `clamd cut ${where}`,
    seconds: 6,
    async begin({ world: { stores } }) {
      stores.clamdWay.manner = manner
      return async () => {
        stores.clamdWay.manner = 'pass'
      }
    },
  }
}

/** A file system of a few blocks is put over the folder, and filled. */
const spoolFull: Fault = {
  name: 'spool full',
  seconds: 8,
  async begin({ world: { stores }, note }: Chaos) {
    const { spool } = stores
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'slipway-chaos', spool])
    } catch {
      note('left out: nothing may be mounted here')
      return null
    }
    await writeFile(join(spool, 'full'), Buffer.alloc(64 * 1024)).catch(() => undefined)
    return async () => void (await run('umount', ['--lazy', spool]))
  },
}

export const clamdFaults: readonly Fault[] = [
  killed,
  hung,
  reloading,
  cut('first', 'before the first byte'),
  cut('middle', 'in the middle'),
  cut('verdict', 'before the verdict'),
  spoolFull,
]
