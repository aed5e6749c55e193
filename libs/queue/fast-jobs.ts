import { problem } from '@slipway/problem'
import type { JobAdministrationSettings, JobScope } from './administration.ts'
import type { AnyQueue } from './definition.ts'
import { type JobView, viewOfFast } from './job-view.ts'
import { unlessRedisFails } from './producer.ts'

/** A job that is only in Redis. Null also for another tenant's. */
export async function findFast({ queues, definitions }: JobAdministrationSettings, scope: JobScope, id: string): Promise<JobView | null> {
  for (const definition of definitions) {
    const job = await jobIn(queues, definition, id)
    if (!job) continue
    const view = await viewOfFast(job, definition)
    return scope === 'operator' || view.tenantId === scope.tenantId ? view : null
  }
  return null
}

/** The state is Redis's to change, so it is not asked before but told by the failure. */
export async function cancelFast({ queues, definitions }: JobAdministrationSettings, view: JobView): Promise<JobView> {
  const definition = definitions.find(({ name }) => name === view.queue)
  const job = definition && (await jobIn(queues, definition, view.id))
  if (!job || view.finishedAt !== null) throw problem('job.not-retryable', { detail: `job ${view.id} has ended` })
  if (view.state === 'active') {
    await queues.send({ cancel: view.id })
    return { ...view, cancelRequestedAt: new Date() }
  }
  await unlessRedisFails(job.remove())
  return { ...view, state: 'cancelled', finishedAt: new Date() }
}

async function jobIn(queues: JobAdministrationSettings['queues'], definition: AnyQueue, id: string) {
  const queue = await queues.queue(definition)
  return unlessRedisFails(queue.getJob(id))
}
