import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BackupError } from './error.ts'

const run = promisify(execFile)

export interface RunScript {
  readonly script: 'dump.sh' | 'restore.sh'
  /** That `prepareDump` or `stageRestore` has filled. */
  readonly folder: string
  readonly dump: string
  /** Folder of pg_dump, pg_restore and psql. */
  readonly programs: string
  readonly signal?: AbortSignal
}

/** The step between the two others, where this machine has the programs of Postgres. */
export async function runScript({ script, folder, dump, programs, signal }: RunScript): Promise<void> {
  try {
    await run('bash', [join(folder, script), folder, dump], {
      env: { PATH: `${programs}:/usr/local/bin:/usr/bin:/bin`, LC_ALL: 'C' },
      maxBuffer: 16 * 1024 * 1024,
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    const told = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-5).join('; ') : ''
    throw new BackupError(`${script === 'dump.sh' ? 'pg_dump' : 'the restore of Postgres'} failed: ${told || String(error)}`, {
      cause: error,
    })
  }
}
