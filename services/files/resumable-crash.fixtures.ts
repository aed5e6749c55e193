import type { AssemblyLedger, OpenAssembly } from '@slipway/storage'
import { type FilesSettings, openFiles } from './app.fixtures.ts'
import type { FilesContext } from './context.ts'

/** Where an API process is to die: between which two steps of a PATCH. */
export const resumablePoints = [
  'before-part',
  'before-keep',
  'after-keep',
  'before-complete',
  'after-complete',
  'before-commit',
  'after-commit',
] as const
export type ResumablePoint = (typeof resumablePoints)[number] | 'never'

/** A real API process in its own right, which kills itself without a word at the given point. */
export function dieAt(point: ResumablePoint): (context: FilesContext) => FilesContext {
  const reach = (reached: ResumablePoint) => {
    if (reached === point) process.kill(process.pid, 'SIGKILL')
  }
  let completed = false
  const mortal = (ledger: AssemblyLedger): AssemblyLedger => ({
    nextPart: async () => {
      const number = await ledger.nextPart()
      reach('before-part')
      return number
    },
    keep: async (assembly) => {
      reach('before-keep')
      await ledger.keep(assembly)
      reach('after-keep')
    },
  })
  const watch = (open: OpenAssembly): OpenAssembly => ({
    get size() {
      return open.size
    },
    append: (chunk) => open.append(chunk),
    pause: () => open.pause(),
    complete: async (target) => {
      reach('before-complete')
      const assembled = await open.complete(target)
      reach('after-complete')
      completed = true
      return assembled
    },
    [Symbol.dispose]: () => open[Symbol.dispose](),
  })
  return (context) => {
    const { assembler, database } = context
    const tenantTransaction: typeof database.tenantTransaction = async (tenantId, work, options) => {
      const result = await database.tenantTransaction(
        tenantId,
        async (tx) => {
          const done = await work(tx)
          if (completed) reach('before-commit')
          return done
        },
        options,
      )
      if (completed) reach('after-commit')
      return result
    }
    const open: typeof assembler.open = (assembly, options) =>
      watch(assembler.open(assembly, { ...options, ledger: mortal(options.ledger) }))
    return { ...context, assembler: { ...assembler, open }, database: { ...database, tenantTransaction } }
  }
}

const [settings, point] = process.argv.slice(2)
if (settings && point) {
  const { url } = await openFiles(JSON.parse(settings) as FilesSettings, dieAt(point as ResumablePoint))
  process.stdout.write(`${url}\n`)
}
