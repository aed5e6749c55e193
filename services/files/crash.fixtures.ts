import { type FilesSettings, openFiles } from './app.fixtures.ts'
import type { FilesContext } from './context.ts'

/** Where an API process is to die: between which two steps of an upload. */
export const crashPoints = ['before-copy', 'after-copy', 'before-commit', 'after-commit'] as const
export type CrashPoint = (typeof crashPoints)[number] | 'never'

/** A real API process in its own right, which kills itself without a word at the given point. */
export function dieAt(point: CrashPoint): (context: FilesContext) => FilesContext {
  const reach = (reached: CrashPoint) => {
    if (reached === point) process.kill(process.pid, 'SIGKILL')
  }
  return (context) => {
    const { gate, database } = context
    let stored = false
    const accept: typeof gate.accept = async (...parameters: Parameters<typeof gate.accept>) => {
      const accepted = await gate.accept(...parameters)
      stored = true
      if (accepted.pending || !accepted.promote) return accepted
      const promote: typeof accepted.promote = async (options) => {
        reach('before-copy')
        const object = await accepted.promote(options)
        reach('after-copy')
        return object
      }
      return { ...accepted, promote }
    }
    const tenantTransaction: typeof database.tenantTransaction = async (tenantId, work, options) => {
      const result = await database.tenantTransaction(
        tenantId,
        async (tx) => {
          const done = await work(tx)
          if (stored) reach('before-commit')
          return done
        },
        options,
      )
      if (stored) reach('after-commit')
      return result
    }
    return { ...context, gate: { ...gate, accept }, database: { ...database, tenantTransaction } }
  }
}

const [settings, point] = process.argv.slice(2)
if (settings && point) {
  const { url } = await openFiles(JSON.parse(settings) as FilesSettings, dieAt(point as CrashPoint))
  process.stdout.write(`${url}\n`)
}
