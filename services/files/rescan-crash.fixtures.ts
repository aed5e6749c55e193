import { type FilesSettings, openFiles } from './app.fixtures.ts'
import type { FilesContext } from './context.ts'
import { isolateFile } from './domain/isolation.ts'
import { rescanFile } from './domain/rescan.ts'
import { settlePending } from './domain/settle-pending.ts'

/** Where a worker process is to die: between which two steps of what follows from an infected file, or from a release. */
export const rescanCrashes = ['scanned', 'before-withdrawal', 'withdrawn', 'copied', 'removed', 'isolated'] as const
export const releaseCrashes = ['reinstated', 'before-mark'] as const
export type RescanCrash = (typeof rescanCrashes)[number] | (typeof releaseCrashes)[number]

function dieAt(point: RescanCrash): (context: FilesContext) => FilesContext {
  const reach = (reached: RescanCrash) => {
    if (reached === point) process.kill(process.pid, 'SIGKILL')
  }
  return (context) => {
    const { gate, storage, database } = context
    // What the next transaction is about, by what came before it.
    let step: { before: RescanCrash; after?: RescanCrash } | undefined
    const rescan: typeof gate.rescan = async (...parameters) => {
      const found = await gate.rescan(...parameters)
      reach('scanned')
      step = { before: 'before-withdrawal', after: 'withdrawn' }
      return found
    }
    const isolate: typeof gate.isolate = async (isolation) => {
      const copy = await gate.isolate(isolation)
      reach('copied')
      step = { before: 'removed', after: 'isolated' }
      return copy
    }
    const reinstate: typeof gate.reinstate = async (...parameters) => {
      const stored = await gate.reinstate(...parameters)
      reach('reinstated')
      step = { before: 'before-mark' }
      return stored
    }
    const tenantTransaction: typeof database.tenantTransaction = async (tenantId, work, options) => {
      const current = step
      step = undefined
      const result = await database.tenantTransaction(
        tenantId,
        async (tx) => {
          const done = await work(tx)
          if (current) reach(current.before)
          return done
        },
        options,
      )
      if (current?.after) reach(current.after)
      return result
    }
    return { ...context, storage, gate: { ...gate, rescan, isolate, reinstate }, database: { ...database, tenantTransaction } }
  }
}

const [settings, point, tenantId, fileId] = process.argv.slice(2)
if (settings && point && tenantId && fileId) {
  await using opened = await openFiles(JSON.parse(settings) as FilesSettings, dieAt(point as RescanCrash))
  const { context } = opened
  const { signal } = new AbortController()
  await settlePending(context, { tenantId, fileId, signal })
  await rescanFile(context, { tenantId, fileId, requested: true, last: false, signal })
  await isolateFile(context, { tenantId, fileId })
}
