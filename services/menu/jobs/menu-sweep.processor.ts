import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { MenuContext } from '../context.ts'
import { dropOldSources, sweepObjects, sweepOwnQuarantine } from '../domain/sweep.ts'
import type { MenuSweep } from './menu-sweep.ts'

/** Twice changes nothing: what was swept is not found again. */
export async function process({ signal, log }: JobRun<z.output<typeof MenuSweep>>, context: MenuContext): Promise<object> {
  const sources = await dropOldSources(context, signal)
  const objects = await sweepObjects(context, signal)
  if (objects.lost > 0)
    log.error(objects, 'photos or models are lost: their rows are there and their objects are not, see slipway doctor --reconcile')
  const quarantine = await sweepOwnQuarantine(context, signal)
  return { sources, ...objects, quarantine }
}
