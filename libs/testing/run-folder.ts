import { chmod, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeHome } from '@slipway/stack'

const pattern = /^slipway-run-(\d+)-/

/** A home for stores of this process, named after it so that a later run can tell whether it is still in use. */
export async function runFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `slipway-run-${process.pid}-`))
  // Postgres runs as another user when we are root, and must be able to enter.
  await chmod(path, 0o755)
  return path
}

/** Removes what runs left behind that were killed. Their stores ended with them. */
export async function sweepRunFolders(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => {
    const pid = pattern.exec(name)?.[1]
    return pid !== undefined && !isRunning(Number(pid))
  })
  await Promise.all(names.map((name) => removeHome(join(tmpdir(), name))))
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
