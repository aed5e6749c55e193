import type { Database } from '@slipway/db'
import type { JobRun } from './definition.ts'
import type { ProbePayload } from './probe-queues.fixtures.ts'

export interface ProbeContext {
  readonly database: Database
  /** What a test wants to happen in the middle of a job. */
  readonly during?: (run: JobRun<ProbePayload>) => Promise<void> | void
}

export const nobody = '00000000-0000-0000-0000-000000000000'

export async function process(run: JobRun<ProbePayload>, { database, during }: ProbeContext): Promise<void> {
  await during?.(run)
  run.progress(50)
  if (run.payload.fail !== undefined && run.attempt <= run.payload.fail)
    throw new Error(`attempt ${run.attempt} of ${run.payload.name} fails`)
  const { tenantId = nobody, name } = run.payload
  await database.pool.query(
    'insert into effects (job, tenant_id, name) values ($1, $2, $3) on conflict (job) do update set runs = effects.runs + 1',
    [run.id, tenantId, name],
  )
}
