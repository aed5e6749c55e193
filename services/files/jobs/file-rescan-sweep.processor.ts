import type { FilesContext } from '../context.ts'
import { reviveIsolations } from '../domain/isolation.ts'
import { reviveNotices } from '../domain/notice.ts'
import { sweepRescans } from '../domain/rescan-sweep.ts'

/** Twice changes nothing: what waits already is not asked for a second time. */
export async function process(_run: unknown, context: FilesContext): Promise<object> {
  const due = await sweepRescans(context)
  return { due, isolations: await reviveIsolations(context), notices: await reviveNotices(context) }
}
