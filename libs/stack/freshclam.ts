import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { databaseAge, isRealDatabase } from './clamd-signatures.ts'
import { type Home, writePrivately } from './home.ts'
import { dieWithParent, logFile } from './launch.ts'
import type { StackLog } from './part.ts'
import { findProgram, searchPath } from './programs.ts'

const fresh = 24 * 3600
const longestDownload = 15 * 60 * 1000

interface RefreshOptions {
  home: Home
  /** Folder to fetch the database into. */
  folder: string
  /** Folder that clamd reads. Another than `folder` with an official database belongs to the system, which updates it itself. */
  inUse: string
  signal: AbortSignal
  log?: StackLog | undefined
}

/** Fetches the official signatures. False when nothing came, be it for lack of need, of freshclam or of a network. */
export async function refreshSignatures(options: RefreshOptions): Promise<boolean> {
  const { folder, inUse, log } = options
  if (inUse !== folder && isRealDatabase(inUse)) return false
  if ((await databaseAge(folder)) < fresh) return false
  const command = await findProgram(['freshclam'])
  if (!command) return false
  const code = await runFreshclam(command, options)
  const fetched = code === 0 && isRealDatabase(folder)
  log?.(fetched ? 'clamd: the official signatures are in use' : 'clamd: freshclam cannot reach its mirror, see freshclam.log')
  return fetched
}

async function runFreshclam(command: string, { home, folder, signal }: RefreshOptions): Promise<number | null> {
  await mkdir(folder, { recursive: true })
  const configuration = resolve(home.path, 'clamd', 'freshclam.conf')
  await writePrivately(configuration, configurationText(folder))
  const output = await open(logFile(home, 'freshclam'), 'a', 0o640)
  try {
    const [program, args] = await dieWithParent({ command, args: ['--config-file', configuration, '--stdout'] }, 'SIGTERM')
    const child = spawn(program, args, {
      env: { PATH: searchPath(), LC_ALL: 'C' },
      stdio: ['ignore', output.fd, output.fd],
      signal: AbortSignal.any([signal, AbortSignal.timeout(longestDownload)]),
    })
    return await new Promise((done) => {
      child.once('error', () => done(null))
      child.once('exit', done)
    })
  } finally {
    await output.close()
  }
}

/** freshclam gives up root for DatabaseOwner, who must own the folder. Options are those of freshclam.conf(5). */
function configurationText(folder: string): string {
  return [
    `DatabaseDirectory ${folder}`,
    `DatabaseOwner ${userInfo().username}`,
    'DatabaseMirror database.clamav.net',
    'ConnectTimeout 5',
    'MaxAttempts 1',
    'TestDatabases no',
    '',
  ].join('\n')
}
