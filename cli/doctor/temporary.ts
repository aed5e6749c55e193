import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fault, type Outcome, well } from './checks.ts'

const bytes = 1_048_576
const ofFull = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Room for temporary files is known once one is written: quotas and limits of pods show in no figure of the disk. */
export async function temporary(): Promise<Outcome> {
  const folder = tmpdir()
  const file = join(folder, `slipway-doctor-${process.pid}`)
  try {
    await writeFile(file, Buffer.alloc(bytes), { flag: 'wx', flush: true })
    return well(`${folder} can be written`)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (ofFull.has(code)) return fault('machine.disk', `${folder} has no room for a file of 1 MiB: ${message}`)
    return fault('machine.disk', `${folder} cannot be written: ${message}`, { fix: 'set TMPDIR to a folder that this user may write' })
  } finally {
    await rm(file, { force: true })
  }
}
