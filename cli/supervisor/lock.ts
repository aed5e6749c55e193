import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Failure } from '../failure.ts'
import { identify, isAlive, type ProcessIdentity } from './identity.ts'

/**
 * One supervisor per home. The lock is made whole and put in place in one step, so that no reader sees half of it; one that a killed
 * process left is taken over.
 * @throws {Failure} when another supervisor lives
 */
export function acquireLock(file: string): Disposable {
  const own = `${file}.${process.pid}`
  writeFileSync(own, JSON.stringify(identify(process.pid)), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (link(own, file)) return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
      const holder = lockHolder(file) ?? putAside(file, own)
      if (holder) throw alreadyStarting(holder)
    }
    throw new Failure(`${file} cannot be taken`, { fix: 'try again; if it stays so, delete the file' })
  } finally {
    rmSync(own, { force: true })
  }
}

/** Takes a stale lock away. Another process may have taken it over since we looked: then it gets its own back, and is told. */
function putAside(file: string, own: string): ProcessIdentity | null {
  const aside = `${own}.aside`
  try {
    renameSync(file, aside)
    const holder = lockHolder(aside)
    if (holder) link(aside, file)
    return holder
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

/** The process that holds a lock, if it lives. It may not have said yet what it does. */
export function lockHolder(file: string): ProcessIdentity | null {
  const holder = readHolder(file)
  return holder && isAlive(holder) ? holder : null
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

function readHolder(file: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch {
    return null
  }
}

function alreadyStarting(holder: ProcessIdentity): Failure {
  return new Failure(`process ${holder.pid} is starting or stopping this stack right now`, {
    fix: 'wait a moment and try again, or use another --home',
  })
}
