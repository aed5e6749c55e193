import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { sendNotice } from '../domain/notice.ts'
import type { InfectionNotice } from './infection-notice.ts'

/** Twice changes nothing: what was told is not told again, and a notice that was handed over is known to identity by its key. */
export function process({ payload }: JobRun<z.output<typeof InfectionNotice>>, context: FilesContext): Promise<{ files: number }> {
  return sendNotice(context, payload)
}
