import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findProgram } from './programs.ts'
import { StackError } from './stack-error.ts'

const run = promisify(execFile)

export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

const name = 'postgres'

/**
 * The user that Postgres runs as: none (this one) for an ordinary user, `postgres` for root, as Postgres refuses to run as root. The
 * user is made when the machine has none.
 *
 * @throws {StackError} `not-permitted`
 */
export async function postgresUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  return (await lookUp()) ?? (await create())
}

async function lookUp(): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

async function create(): Promise<SystemUser> {
  const useradd = await findProgram(['useradd'])
  const failure = useradd && (await run(useradd, ['--system', '--user-group', '--no-create-home', name]).then(() => undefined, String))
  const made = await lookUp()
  if (made) return made
  throw new StackError('not-permitted', {
    what: `Postgres does not run as root, and the user "${name}" cannot be made${failure ? ` (${failure})` : ''}`,
    fix: `make it by hand with \`useradd --system --user-group ${name}\`, or run slipway as an ordinary user`,
  })
}

/** Whether that user may read a file or enter a folder, which takes the right to pass every folder above it. */
export async function mayRead(path: string, user: SystemUser | undefined): Promise<boolean> {
  try {
    await run('test', ['-r', path], { ...user })
    return true
  } catch {
    return false
  }
}
