import type { JobRun } from '@slipway/queue'
import { type FilesSettings, openFiles, silent } from './app.fixtures.ts'
import type { FilesContext } from './context.ts'
import { settlePending } from './domain/settle-pending.ts'
import { process as purge } from './jobs/file-purge.processor.ts'

/** Where a worker process is to die: between which two steps of a version that arrives, or of those that have outlived their days. */
export const arrivalCrashes = ['scanned', 'promoted', 'before-arrival', 'arrived'] as const
export const pruneCrashes = ['before-prune', 'pruned'] as const
type Crash = (typeof arrivalCrashes)[number] | (typeof pruneCrashes)[number]

function dieAt(point: Crash): (context: FilesContext) => FilesContext {
  const reach = (reached: Crash) => {
    if (reached === point) process.kill(process.pid, 'SIGKILL')
  }
  return (context) => {
    const { gate, database } = context
    let promoted = false
    const resume: typeof gate.resume = async (...parameters) => {
      const accepted = await gate.resume(...parameters)
      reach('scanned')
      if (!accepted.promote) return accepted
      const promote: typeof accepted.promote = async (options) => {
        const object = await accepted.promote(options)
        reach('promoted')
        promoted = true
        return object
      }
      return { ...accepted, promote }
    }
    const tenantTransaction: typeof database.tenantTransaction = async (tenantId, work, options) => {
      const changes = options?.readOnly !== true
      const result = await database.tenantTransaction(
        tenantId,
        async (tx) => {
          const done = await work(tx)
          if (promoted) reach('before-arrival')
          const { rows } = await tx.execute<{ count: number }>(`select count(*)::int as count from files where superseded_at is not null`)
          if (changes && rows[0]?.count === 0) reach('before-prune')
          return done
        },
        options,
      )
      if (promoted) reach('arrived')
      return result
    }
    return { ...context, gate: { ...gate, resume }, database: { ...database, tenantTransaction } }
  }
}

const [settings, point, tenantId, fileId, milliseconds] = process.argv.slice(2)
if (settings && point && tenantId && fileId && milliseconds) {
  await using opened = await openFiles(JSON.parse(settings) as FilesSettings, dieAt(point as Crash))
  opened.advance(Number(milliseconds))
  const { context } = opened
  const { signal } = new AbortController()
  await settlePending(context, { tenantId, fileId, signal })
  const run = { payload: { version: 1 }, signal, log: silent, progress: () => undefined } as unknown as JobRun<{ version: 1 }>
  await purge(run, context)
  process.kill(process.pid, 'SIGKILL')
}
