import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { type IsolationOutcome, isolateFile } from '../domain/isolation.ts'
import type { FileIsolation } from './file-isolation.ts'

/** Twice changes nothing: see `isolateFile`. */
export async function process(
  { payload }: JobRun<z.output<typeof FileIsolation>>,
  context: FilesContext,
): Promise<{ outcome: IsolationOutcome }> {
  return { outcome: await isolateFile(context, payload) }
}
