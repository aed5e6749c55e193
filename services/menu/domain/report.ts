import type { QueueLog } from '@slipway/queue'
import { and, eq, sql } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import { models } from '../schema.ts'
import { progressOf } from './announce.ts'
import { progressAt, type Step } from './model.ts'
import type { ModelRow } from './model-view.ts'

/** A request for a model that this run, and no other, may write to. */
export interface Claim {
  readonly tenantId: string
  readonly dishId: string
  readonly modelId: string
  readonly runToken: string
}

/** The request is not ours any more: another photo, a cancellation, a deletion, or another run came in between. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost'
}

/** Holds for the rows that the claim may write. */
export function held({ modelId, runToken }: Claim) {
  return and(eq(models.id, modelId), eq(models.state, 'running'), eq(models.runToken, runToken))
}

export interface Report extends AsyncDisposable {
  step(step: Step): void
  /** Aborts when the claim is found to be lost. */
  readonly lost: AbortSignal
}

/** Steps follow each other faster than anybody reads: between two writes lies this much at least, and what is skipped is not missed. */
const writeEvery = 200

/** Writes the step that a run is at to the row and tells those who follow. The last word is the caller's: nothing is written after disposal. */
export function createReport(context: Pick<MenuContext, 'database' | 'events'>, claim: Claim, log: QueueLog): Report {
  const lost = new AbortController()
  let pending: Step | null = null
  let writing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const write = async () => {
    const step = pending
    pending = null
    if (step === null) return
    const row = await writeStep(context, claim, step)
    if (row) await context.events.publish(claim.dishId, progressOf({ row, job: { state: 'active', reason: null } }))
    else lost.abort(new ClaimLost('the model is not wanted any more'))
  }
  const tick = () => {
    timer = undefined
    if (pending === null) return
    timer = setTimeout(tick, writeEvery)
    writing = writing.then(write).catch((error: unknown) => log.warn({ err: error }, 'the progress of the model was not written'))
  }
  return {
    lost: lost.signal,
    step: (step) => {
      pending = step
      if (timer === undefined) tick()
    },
    async [Symbol.asyncDispose]() {
      pending = null
      clearTimeout(timer)
      await writing
    },
  }
}

async function writeStep({ database }: Pick<MenuContext, 'database'>, claim: Claim, step: Step): Promise<ModelRow | null> {
  const values = { step, progress: progressAt(step), revision: sql`${models.revision} + 1` }
  const rows = await database.tenantTransaction(claim.tenantId, (tx) => tx.update(models).set(values).where(held(claim)).returning())
  return rows[0] ?? null
}
