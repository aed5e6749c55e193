import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, lstat, mkdir, readFile, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Home, makeFolder, readIfPresent, writeFault } from './home.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { processState } from './process-identity.ts'
import { StackError } from './stack-error.ts'
import { mayRead, type SystemUser } from './system-user.ts'

const run = promisify(execFile)
const rootData = '/var/lib/slipway'

/** A cluster on disk and who may run it. */
export interface Cluster {
  readonly data: string
  readonly binaries: PostgresBinaries
  readonly user: SystemUser | undefined
}

/**
 * The data folder: `postgres` in the home. When Postgres must run as another user who cannot enter the home, that name is a link to
 * a folder under /var/lib/slipway.
 */
export async function dataFolder(home: Home, user: SystemUser | undefined): Promise<string> {
  const path = resolve(home.path, 'postgres')
  const linked = await readlink(path).catch(() => undefined)
  if (linked) return ownedFolder(linked, user)
  if (!user || existsSync(path) || (await mayRead(home.path, user))) return ownedFolder(path, user)
  const outside = resolve(rootData, createHash('sha256').update(home.path).digest('hex').slice(0, 16))
  await makeFolder(rootData)
  await symlink(outside, path)
  return ownedFolder(outside, user)
}

async function ownedFolder(path: string, user: SystemUser | undefined): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    if (user) await chown(path, user.uid, user.gid)
  } catch (error) {
    throw writeFault(path, error)
  }
  if (await mayRead(path, user)) return path
  throw new StackError('not-permitted', {
    what: `the data folder ${path} cannot be reached by the user that Postgres runs as`,
    fix: `make the folders above it passable (chmod a+x ${dirname(path)}), or choose another --home`,
  })
}

/** Removes a home with everything a stack has put elsewhere for it. No part of it may be running. */
export async function removeHome(path: string): Promise<void> {
  const link = resolve(path, 'postgres')
  const isLink = await lstat(link).then(
    (found) => found.isSymbolicLink(),
    () => false,
  )
  if (isLink) {
    const target = await readlink(link)
    if (dirname(target) === rootData) await rm(target, { recursive: true, force: true })
  }
  // A home may be a link itself: then its data are elsewhere, and go too.
  const target = await realpath(path).catch(() => path)
  await rm(target, { recursive: true, force: true })
  await rm(resolve(path), { force: true })
}

/** Makes a new cluster unless there is one. A half-made one of an interrupted start is made again. */
export async function ensureCluster(cluster: Cluster, password: string): Promise<'made' | 'kept'> {
  const done = resolve(cluster.data, 'slipway-initialised')
  if (existsSync(done)) return 'kept'
  await emptyFolder(cluster)
  const passwordFile = `${cluster.data}.password`
  try {
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (cluster.user) await chown(passwordFile, cluster.user.uid, cluster.user.gid)
    await run(cluster.binaries.initdb, initArguments(cluster.data, passwordFile), { env: { LC_ALL: 'C' }, cwd: '/', ...cluster.user })
    await writeFile(done, '')
    return 'made'
  } catch (error) {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
    throw new StackError('start-failed', { what: `Postgres cannot make its data folder ${cluster.data}`, fix: detail, cause: error })
  } finally {
    await rm(passwordFile, { force: true })
  }
}

async function emptyFolder(cluster: Cluster): Promise<void> {
  await rm(cluster.data, { recursive: true, force: true })
  await ownedFolder(cluster.data, cluster.user)
}

function initArguments(data: string, passwordFile: string): string[] {
  return [
    `--pgdata=${data}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-locale',
    '--no-sync',
  ]
}

/**
 * Ends a Postgres that still serves this data folder although nobody knows of it, and removes a pid file whose pid now belongs to
 * another program: Postgres itself would refuse to start for either.
 */
export async function clearOrphan(cluster: Cluster): Promise<number | undefined> {
  const file = resolve(cluster.data, 'postmaster.pid')
  const pid = Number((await readIfPresent(file))?.split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const state = await processState(pid)
  if (!state) return undefined
  if (!state.command.includes('postgres') || !state.command.includes(cluster.data)) {
    await rm(file, { force: true })
    return undefined
  }
  await run(cluster.binaries.pgCtl, ['stop', '-D', cluster.data, '-m', 'fast', '-w', '-t', '30'], { cwd: '/', ...cluster.user })
  return pid
}

/** Major version of the server that made the data. */
export async function clusterVersion(cluster: Cluster): Promise<string> {
  return (await readFile(resolve(cluster.data, 'PG_VERSION'), 'utf8')).trim()
}
