import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ClamdAt, putSignatures, type Reload, reload, takeSignatures } from '../clamd-database.ts'
import type { ClamdManner } from '../clamd-way.ts'
import { syntheticSignatures } from '../signatures.ts'
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

/** As many signatures as the official database has come and go: clamd waits for the scans before a reload, and all others for its end. */
const reloading: Fault = {
  name: 'clamd reloading',
  seconds: 20,
  async begin(chaos) {
    const { folder, stores } = chaos.world
    return reloadWith({ folder, port: stores.clamd.part.port }, await syntheticSignatures(), chaos)
  },
}

/** @returns what waits for them, and lets them go */
export async function reloadWith(
  clamd: ClamdAt,
  more: string,
  { client: { ledger }, note, signal }: Omit<Chaos, 'world'>,
): Promise<() => Promise<void>> {
  await putSignatures(clamd, more)
  const coming = reload(clamd, signal)
  coming.catch(() => undefined)
  return async () => {
    const come = await coming
    await takeSignatures(clamd, more)
    const gone = await reload(clamd, signal)
    const what = `${told(come)}, then ${told(gone)}`
    note(what)
    if (!come || !gone || come.signatures <= gone.signatures) ledger.violate('no-effect', what)
  }
}

function told(found: Reload | null): string {
  return found ? `${found.signatures} signatures loaded in ${found.seconds} s` : 'none loaded'
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
