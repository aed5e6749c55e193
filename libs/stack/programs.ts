import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { processEnvironment } from '@slipway/config'

/** System packages put daemons into `sbin`, which the PATH of an ordinary user often lacks. */
const systemFolders = [
  '/usr/local/bin',
  '/usr/local/sbin',
  '/usr/bin',
  '/usr/sbin',
  '/bin',
  '/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
]

export function searchPath(): string {
  const own = (processEnvironment().PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'))
  return [...new Set([...own, ...systemFolders])].join(delimiter)
}

/** Full path of the first of these programs that is installed. */
export async function findProgram(names: readonly string[], path: string = searchPath()): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of path.split(delimiter)) {
      const candidate = join(folder, name)
      if (await isExecutable(candidate)) return candidate
    }
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
