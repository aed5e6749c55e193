import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { finishComplete, sweepExpired } from '../domain/resumable-sweep.ts'
import { reviveStuck, sweepAbandoned, sweepOrphans, sweepRefusals } from '../domain/sweep.ts'
import type { QuarantineSweep } from './quarantine-sweep.ts'

/** Twice changes nothing: what was swept is not found again. */
export async function process(run: JobRun<z.output<typeof QuarantineSweep>>, context: FilesContext): Promise<object> {
  const { payload, signal, log } = run
  const stuck = {
    ...(await reviveStuck(context)),
    ...(await finishComplete(context, signal)),
    ...(await sweepExpired(context, signal)),
  }
  if (payload.scope === 'stuck') return stuck
  const abandoned = await sweepAbandoned(context, signal)
  const refusals = await sweepRefusals(context, signal)
  const orphans = await sweepOrphans(context, signal)
  if (orphans.lost > 0)
    log.error(orphans, 'content of files is lost: their rows are there and their objects are not, see slipway doctor --reconcile')
  return { ...stuck, ...abandoned, ...refusals, ...orphans }
}
