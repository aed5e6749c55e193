import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { eicar } from './eicar.ts'
import { writeFault } from './home.ts'
import { mayRead } from './system-user.ts'

/** Where distributions keep the database that their own freshclam updates. */
const systemFolders = ['/var/lib/clamav', '/opt/homebrew/var/lib/clamav', '/usr/local/var/lib/clamav']
const testFile = 'slipway-test.ndb'

/** Whether a folder holds the two parts of the official database, in either of their forms. */
export function isRealDatabase(folder: string): boolean {
  return ['main', 'daily'].every((part) => ['cvd', 'cld'].some((ending) => existsSync(resolve(folder, `${part}.${ending}`))))
}

/** The first folder with a readable official database. */
export async function findRealDatabase(cache: string): Promise<string | undefined> {
  for (const folder of [cache, ...systemFolders]) {
    if (isRealDatabase(folder) && (await mayRead(folder, undefined))) return folder
  }
  return undefined
}

/** Seconds since the daily part of a database was written. */
export async function databaseAge(folder: string): Promise<number> {
  const ages = ['daily.cvd', 'daily.cld'].map(async (name) => (Date.now() - (await stat(resolve(folder, name))).mtimeMs) / 1000)
  const known = (await Promise.allSettled(ages)).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  return known.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...known)
}

/**
 * A folder with one signature, the one of EICAR. Like the official one it matches at the start of a file only.
 * Format of a line: name, target type (0 is any file), offset, bytes in hex.
 */
export async function writeTestDatabase(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await writeFile(resolve(folder, testFile), `Eicar-Test-Signature:0:0:${eicar().toString('hex')}\n`)
  } catch (error) {
    throw writeFault(folder, error)
  }
}

/** Puts links to an official database where a running clamd looks, instead of the test signature. */
export async function replaceTestDatabase(folder: string, real: string): Promise<void> {
  const names = (await readdir(real)).filter((name) => /\.(cvd|cld)$/.test(name))
  for (const name of names) await symlink(resolve(real, name), resolve(folder, name))
  await rm(resolve(folder, testFile), { force: true })
}
