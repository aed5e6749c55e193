import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Failure } from '../failure.ts'
import { identify, isAlive, type ProcessIdentity } from './identity.ts'

/**
 * One supervisor per home. The lock is made whole and put in place in one step, so that no reader sees half of it; one that a killed
 * process left is replaced, in one step as well, so that nobody finds the place empty meanwhile.
 * @throws {Failure} when another supervisor lives
 */
export function acquireLock(file: string): Disposable {
  const own = `${file}.${process.pid}`
  writeFileSync(own, JSON.stringify(identify(process.pid)), { mode: 0o600 })
  try {
    if (!link(own, file)) takeOver(file, own)
    return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
  } finally {
    rmSync(own, { force: true })
  }
}

/**
 * One at a time, by a lock like this one: else whoever looked before might replace the lock of somebody who was faster. Should a process be
 * killed while it has that one, the next takes over both.
 */
function takeOver(file: string, own: string): void {
  refuseWhileHeld(lockHolder(file))
  using _turn = acquireLock(`${file}.turn`)
  // Between two looks it may have been given back, and then anybody may take it. A stale one stays as it is: only we may replace it.
  while (!link(own, file)) {
    const text = read(file)
    if (text === null) continue
    refuseWhileHeld(holderIn(text))
    return renameSync(own, file)
  }
}

function refuseWhileHeld(holder: ProcessIdentity | null): void {
  if (holder) throw alreadyStarting(holder)
}

/** The process that holds a lock, if it lives. It may not have said yet what it does. */
export function lockHolder(file: string): ProcessIdentity | null {
  const text = read(file)
  return text === null ? null : holderIn(text)
}

function holderIn(text: string): ProcessIdentity | null {
  try {
    const holder = JSON.parse(text) as ProcessIdentity | null
    return holder && isAlive(holder) ? holder : null
  } catch {
    return null
  }
}

/** Null when there is no lock. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function link(own: string, file: string): boolean {
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function alreadyStarting(holder: ProcessIdentity): Failure {
  return new Failure(`process ${holder.pid} is starting or stopping this stack right now`, {
    fix: 'wait a moment and try again, or use another --home',
  })
}
