import { createHash, randomUUID } from 'node:crypto'
import type { Transaction } from '@slipway/db'
import { isProblem, toProblem } from '@slipway/problem'
import { JobCancelled, JobInterrupted, JobLost, type JobRun, UnrecoverableError } from '@slipway/queue'
import type { Clean } from '@slipway/storage'
import { eq, sql } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import type { MadeModel } from '../model/pool.ts'
import { dishes, jobs, models } from '../schema.ts'
import { announceModel } from './announce.ts'
import { lockDish, newestModel } from './dish-view.ts'
import { type ModelError, type Output, outputs, type StoredFile, type StoredResult } from './model.ts'
import type { ModelRow } from './model-view.ts'
import { fetchPhoto, goneIsNull } from './normalise.ts'
import { contentTypes, objectsOfResult, outputObject, requestRemoval } from './object.ts'
import { type Claim, ClaimLost, createReport, held, type Report } from './report.ts'
import { acceptOwn } from './store.ts'

interface Payload {
  readonly tenantId: string
  readonly dishId: string
  readonly modelId: string
}

type Run = Pick<JobRun<Payload>, 'id' | 'payload' | 'attempt' | 'maxAttempts' | 'signal' | 'log' | 'traceId'>

interface Claimed {
  readonly claim: Claim
  readonly row: ModelRow
}

/**
 * Makes a model and puts it in the place of the one before. What a crash leaves behind at each line, and who clears it up:
 * - before the copies: quarantine objects that no row knows, for the sweep.
 * - before the commit: objects without a row, at the places where the next run puts the same bytes; else for the sweep.
 * - after the commit: a job that runs once more and finds the model done.
 * The row stays `running` in the meantime; the next run of the job takes it over with a token of its own.
 */
export async function generate(context: MenuContext, run: Run): Promise<{ outcome: string }> {
  const claimed = await context.database.tenantTransaction(run.payload.tenantId, (tx) => claimModel(tx, context, run))
  if ('outcome' in claimed) return claimed
  try {
    return await make(context, run, claimed)
  } catch (error) {
    if (error instanceof ClaimLost) return { outcome: 'superseded' }
    throw await recordFailure(context, { run, claim: claimed.claim, error })
  }
}

/** Also takes up what has ended without a model: a person has asked for the job again. */
async function claimModel(tx: Transaction, { events, now }: MenuContext, run: Run): Promise<Claimed | { outcome: string }> {
  const { tenantId, dishId, modelId } = run.payload
  const dish = await lockDish(tx, dishId).catch(goneIsNull)
  const newest = dish && (await newestModel(tx, dish))
  if (!dish || newest?.row.id !== modelId) return { outcome: 'superseded' }
  if (newest.row.state === 'done') return { outcome: 'done' }
  const [job] = await tx.select({ cancelled: jobs.cancelRequestedAt }).from(jobs).where(eq(jobs.id, run.id))
  if (job?.cancelled) return { outcome: 'cancelled' }
  const runToken = randomUUID()
  const started = { state: 'running' as const, runToken, jobId: run.id, attempt: run.attempt, step: 'fetch', progress: 0, error: null }
  const [row] = await tx
    .update(models)
    .set({ ...started, startedAt: new Date(now()), finishedAt: null, revision: sql`${models.revision} + 1` })
    .where(eq(models.id, modelId))
    .returning()
  if (!row) return { outcome: 'superseded' }
  await announceModel(tx, events, dish)
  return { claim: { tenantId, dishId, modelId, runToken }, row }
}

async function make(context: MenuContext, run: Run, { claim, row }: Claimed): Promise<{ outcome: string }> {
  const result = await produce(context, run, { claim, row })
  const served = await context.database.tenantTransaction(claim.tenantId, (tx) => serve(tx, context, { claim, result }))
  return { outcome: served ? 'done' : 'superseded' }
}

/** All that comes before the last word: the report is closed first, so that no step is written after it. */
async function produce(context: MenuContext, run: Run, { claim, row }: Claimed): Promise<StoredResult> {
  await using report = createReport(context, claim, run.log)
  const signal = AbortSignal.any([run.signal, report.lost])
  try {
    const photo = await fetchPhoto(context, claim, { photoId: row.photoId, signal })
    const request = { photo, diameterCm: row.diameterCm, help: row.help }
    const made = await context.pool.make(request, { signal, onStep: (step) => report.step(step) })
    return resultOf(made, await store(context, claim, { made, report, signal }))
  } catch (error) {
    throw report.lost.aborted && !run.signal.aborted ? report.lost.reason : error
  }
}

interface Made {
  readonly made: MadeModel
  readonly report: Report
  readonly signal: AbortSignal
}

/** All three are found clean before the first of them is stored. */
async function store({ gate }: MenuContext, claim: Claim, { made, report, signal }: Made): Promise<Record<Output, StoredFile>> {
  report.step('scan')
  const accepted: { output: Output; clean: Clean; file: StoredFile }[] = []
  for (const output of outputs) {
    const bytes = made[output]
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const target = outputObject(claim, output, sha256)
    const clean = await acceptOwn(gate, { bytes, target, tenantId: claim.tenantId, signal })
    accepted.push({ output, clean, file: { key: target.key, bytes: bytes.byteLength, sha256 } })
  }
  report.step('store')
  // To the end, whatever has happened since: who finds the claim lost afterwards knows what to remove.
  for (const { output, clean } of accepted) {
    await clean.promote({ contentType: contentTypes[output] })
  }
  return Object.fromEntries(accepted.map(({ output, file }) => [output, file])) as Record<Output, StoredFile>
}

function resultOf(made: MadeModel, files: Record<Output, StoredFile>): StoredResult {
  const { method, confidence, confident, tiltDegrees, triangles, webTriangles, milliseconds, warnings, outline } = made
  return { method, confidence, confident, tiltDegrees, triangles, webTriangles, milliseconds, warnings, outline, files }
}

/** False if the model was given up in the meantime: then what was stored of it goes again. */
async function serve(
  tx: Transaction,
  { events, now }: MenuContext,
  { claim, result }: { claim: Claim; result: StoredResult },
): Promise<boolean> {
  const { tenantId, dishId, modelId } = claim
  const dish = await lockDish(tx, dishId).catch(goneIsNull)
  const done = { state: 'done' as const, runToken: null, step: null, progress: 100, result, error: null, finishedAt: new Date(now()) }
  const values = { ...done, revision: sql`${models.revision} + 1` }
  const wanted = dish !== null && dish.modelId === modelId
  const [row] = wanted ? await tx.update(models).set(values).where(held(claim)).returning() : []
  if (!row || !dish) {
    await removeUnlessOurs(tx, claim, result)
    return false
  }
  if (dish.servedId !== null && dish.servedId !== modelId) {
    const [before] = await tx.delete(models).where(eq(models.id, dish.servedId)).returning()
    await requestRemoval(tx, tenantId, objectsOfResult(before?.result ?? null))
  }
  await tx.update(dishes).set({ servedId: modelId }).where(eq(dishes.id, dishId))
  await announceModel(tx, events, dish)
  return true
}

/** Another run of the same job has put, or is about to put, the same bytes into the same places; where neither is so, the sweep clears up. */
async function removeUnlessOurs(tx: Transaction, { tenantId, modelId }: Claim, result: StoredResult): Promise<void> {
  const [row] = await tx.select({ id: models.id }).from(models).where(eq(models.id, modelId))
  if (!row) await requestRemoval(tx, tenantId, objectsOfResult(result))
}

interface Failure {
  readonly run: Run
  readonly claim: Claim
  readonly error: unknown
}

/** @returns what libs/queue is to hear: whether trying again makes sense */
async function recordFailure({ database, events, now }: MenuContext, { run, claim, error }: Failure): Promise<unknown> {
  const reason: unknown = run.signal.aborted ? run.signal.reason : error
  if (reason instanceof JobLost) return error
  const ending = endingOf(run, reason)
  const finishedAt = ending.state === 'queued' ? null : new Date(now())
  const values = { ...ending, runToken: null, finishedAt, revision: sql`${models.revision} + 1` }
  await database
    .tenantTransaction(claim.tenantId, async (tx) => {
      const rows = await tx.update(models).set(values).where(held(claim)).returning({ id: models.id })
      if (rows.length > 0) await announceModel(tx, events, { id: claim.dishId, modelId: claim.modelId })
    })
    // The state follows from the job all the same.
    .catch((failure: unknown) => run.log.warn({ err: failure }, 'the end of the attempt was not written'))
  return isFinal(reason) ? new UnrecoverableError(messageOf(reason)) : error
}

function endingOf(run: Run, reason: unknown): { state: 'queued' | 'cancelled' | 'failed'; error: ModelError | null } {
  if (reason instanceof JobCancelled) return { state: 'cancelled', error: null }
  if (reason instanceof JobInterrupted) return { state: 'queued', error: null }
  const { code } = toProblem(reason)
  const error = { code, detail: messageOf(reason), traceId: run.traceId }
  return { state: isFinal(reason) || run.attempt >= run.maxAttempts ? 'failed' : 'queued', error }
}

/** The same photo fails in the same way at every try. */
function isFinal(reason: unknown): boolean {
  return reason instanceof UnrecoverableError || (isProblem(reason) && !reason.retryable && reason.status < 500)
}

function messageOf(reason: unknown): string {
  return (reason instanceof Error ? reason.message : String(reason)).slice(0, 500)
}
