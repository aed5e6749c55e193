import { type MenuSettings, openMenu, type Wrap } from './app.fixtures.ts'

/** Where an API process is to die that takes a photo. */
export const uploadCrashPoints = ['before copy 1', 'after copy 1', 'upload committed'] as const
/** Where a worker process is to die. The first copy is that of the photo, the other three are those of the model. */
export const crashPoints = [
  'before copy 1',
  'after copy 1',
  'photo shown',
  'before copy 2',
  'after copy 2',
  'after copy 4',
  'before commit',
  'after commit',
] as const
export type CrashPoint = (typeof crashPoints)[number] | (typeof uploadCrashPoints)[number] | 'never'

/** Kills the process without a word at the given point. */
export function dieAt(point: CrashPoint): Wrap {
  const reach = (reached: string) => {
    if (reached === point) process.kill(process.pid, 'SIGKILL')
  }
  return (context) => {
    const { gate, database } = context
    let copies = 0
    const accept = (async (...parameters: Parameters<typeof gate.accept>) => {
      const accepted = await gate.accept(...parameters)
      if (accepted.pending || !accepted.promote) return accepted
      const promote: typeof accepted.promote = async (options) => {
        copies++
        reach(`before copy ${copies}`)
        const object = await accepted.promote(options)
        reach(`after copy ${copies}`)
        return object
      }
      return { ...accepted, promote }
    }) as typeof gate.accept
    const tenantTransaction: typeof database.tenantTransaction = async (tenantId, work, options) => {
      const result = await database.tenantTransaction(
        tenantId,
        async (tx) => {
          const done = await work(tx)
          if (done === true) reach('before commit')
          return done
        },
        options,
      )
      // Only the last transaction says whether the model is served.
      if (result === true) reach('after commit')
      if (copies === 1) reach(process.argv[4] === 'api' ? 'upload committed' : 'photo shown')
      return result
    }
    return { ...context, gate: { ...gate, accept }, database: { ...database, tenantTransaction } }
  }
}

const [settings, point, kind] = process.argv.slice(2)
if (settings && point) {
  const opened = await openMenu(JSON.parse(settings) as MenuSettings, dieAt(point as CrashPoint))
  if (kind !== 'api') await opened.work()
  process.stdout.write(`${opened.url}\n`)
}
