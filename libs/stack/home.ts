import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { StackError, systemCode } from './stack-error.ts'

const mebibyte = 1024 * 1024
const defaultFreeBytes = 512 * mebibyte

/** Where a stack keeps what. All paths are absolute. */
export interface Home {
  readonly path: string
  readonly logs: string
  readonly run: string
  readonly secrets: string
}

/**
 * Makes the folders of a home and checks that they can be written and that the disk has room.
 *
 * @throws {StackError} `not-permitted`, `disk-full`
 */
export async function openHome(path: string, options: { minFreeBytes?: number } = {}): Promise<Home> {
  const root = resolve(path)
  const home = { path: root, logs: resolve(root, 'logs'), run: resolve(root, 'run'), secrets: resolve(root, 'secrets') }
  await makeFolder(home.logs)
  await makeFolder(home.run)
  await makeFolder(home.secrets, 0o700)
  await assertRoom(root, options.minFreeBytes ?? defaultFreeBytes)
  return home
}

/** @throws {StackError} `not-permitted`, `disk-full` */
export async function makeFolder(path: string, mode = 0o755): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode })
    return path
  } catch (error) {
    throw writeFault(path, error)
  }
}

/** A failed write as an error with a fix. */
export function writeFault(path: string, error: unknown): StackError {
  const code = systemCode(error) ?? String(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StackError('disk-full', { what: `no room left to write ${path} (${code})`, fix: 'free some disk space', cause: error })
  }
  return new StackError('not-permitted', {
    what: `${path} cannot be written (${code})`,
    fix: 'choose another home with --home, or give this user the right to write there',
    cause: error,
  })
}

async function assertRoom(path: string, minFreeBytes: number): Promise<void> {
  const disk = await statfs(path)
  const free = disk.bavail * disk.bsize
  if (free >= minFreeBytes) return
  throw new StackError('disk-full', {
    what: `the disk of ${path} has ${Math.floor(free / mebibyte)} MiB left, ${Math.ceil(minFreeBytes / mebibyte)} MiB are needed`,
    fix: 'free some disk space, or choose a home on another disk with --home',
  })
}

/** Content of a secret of this home; made up once and kept in a file that only this user can read. */
export async function keptSecret(home: Home, name: string): Promise<string> {
  const path = resolve(home.secrets, name)
  const kept = await readIfPresent(path)
  if (kept?.trim()) return kept.trim()
  const made = randomBytes(24).toString('base64url')
  await writePrivately(path, `${made}\n`)
  return made
}

export async function keepSecret(home: Home, secret: { name: string; value: string }): Promise<void> {
  await writePrivately(resolve(home.secrets, secret.name), `${secret.value}\n`)
}

/** Writes a file that only this user can read, whole or not at all. */
export async function writePrivately(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await writeFile(draft, content, { mode: 0o600, flag: 'wx' })
    await chmod(draft, 0o600)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw writeFault(path, error)
  }
}

/** Text of a file, or undefined when there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
