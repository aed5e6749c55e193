import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { processEnvironment } from '@slipway/config'
import type { StackLog } from './part.ts'
import { findProgram, searchPath } from './programs.ts'

const run = promisify(execFile)
const patience = 15 * 60 * 1000

/** Names of the same things in the package managers that we know. */
export interface Packages {
  apt: readonly string[]
  brew: readonly string[]
}

/** Installs packages. Answers false when this machine has no package manager that this user may use; rejects when it fails. */
export async function installPackages(packages: Packages, log?: StackLog): Promise<boolean> {
  const root = await rootCommand()
  if (root && (await findProgram(['apt-get']))) {
    log?.(`installs ${packages.apt.join(', ')} with apt-get`)
    await runInstaller([...root, 'sh', '-c', aptScript(packages.apt)])
    return true
  }
  const brew = await findProgram(['brew'])
  if (!brew) return false
  log?.(`installs ${packages.brew.join(', ')} with brew`)
  await runInstaller([brew, 'install', ...packages.brew])
  return true
}

/** What goes before a command to run it as root: nothing for root, sudo when it asks for no password. */
async function rootCommand(): Promise<string[] | undefined> {
  if (process.getuid?.() === 0) return []
  const sudo = await findProgram(['sudo'])
  if (!sudo) return undefined
  return run(sudo, ['-n', 'true']).then(
    () => [sudo, '-n'],
    () => undefined,
  )
}

async function runInstaller([command = '', ...args]: string[]): Promise<void> {
  const options = { env: { ...processEnvironment(), PATH: searchPath() }, timeout: patience, maxBuffer: 64 * 1024 * 1024 }
  try {
    await run(command, args, options)
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Error(output.split('\n').slice(-3).join(' ') || String(error), { cause: error })
  }
}

/**
 * Debian starts the services of a package while it installs it, unless `policy-rc.d` forbids it, and enables them for the next boot.
 * We run our own, so both are prevented; a policy that is there already is somebody else's and stays.
 */
export function aptScript(packages: readonly string[], policy = '/usr/sbin/policy-rc.d'): string {
  const names = packages.join(' ')
  return `set -eu
export DEBIAN_FRONTEND=noninteractive
if [ ! -e '${policy}' ]; then
  trap "rm -f '${policy}'" EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > '${policy}'
  chmod 755 '${policy}'
fi
install() { apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends ${names}; }
install || { apt-get -o DPkg::Lock::Timeout=120 update || true; install; }
if command -v systemctl > /dev/null; then
  for name in ${names}; do
    for unit in "$name.socket" "$name.service"; do systemctl disable --now "$unit" > /dev/null 2>&1 || true; done
  done
fi
`
}
