import { newId, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { cancelJob, enqueue, retryJob } from '@slipway/queue'
import { and, eq, ne, sql } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import { modelGeneration } from '../jobs/model-generation.ts'
import { dishes, models, photos } from '../schema.ts'
import { announceModel } from './announce.ts'
import { type Author, audit, nameOf } from './author.ts'
import { newestModel, photoOf } from './dish-view.ts'
import { digestOf, type Help } from './model.ts'
import { type DishRow, isOpen, type ModelView, type PhotoRow, stateOf } from './model-view.ts'
import { objectsOfPhoto, objectsOfResult, requestRemoval } from './object.ts'

type Requesting = Pick<MenuContext, 'queues' | 'events' | 'limits' | 'now'>

interface Wish {
  /** Locked by the caller. */
  readonly dish: DishRow
  readonly photo: PhotoRow
  readonly help: Help | null
  /** Also if such a model is there already. */
  readonly again?: boolean
}

/**
 * Has the model of a dish made. What was asked for before and is not done is given up; the model that is served stays until the new one
 * takes its place. The same ingredients as those of the newest request are free, unless that one came to nothing.
 */
export async function requestModel(context: Requesting, author: Author, { tx, ...wish }: Wish & { tx: Transaction }): Promise<void> {
  const { dish, photo, help, again = false } = wish
  const digest = digestOf({ sourceSha256: photo.sourceSha256, help, diameterCm: dish.plateDiameterCm })
  const newest = await newestModel(tx, dish)
  if (newest && !again && newest.row.digest === digest && (newest.row.state === 'done' || isOpen(newest))) return
  if (newest) await giveUp(tx, context, { author, dish, newest })
  const { tenantId, id: dishId } = dish
  const modelId = newId(context.now)
  const payload = { version: 1 as const, tenantId, dishId, modelId, digest }
  const jobId = await enqueue(tx, modelGeneration, payload, { attempts: context.limits.attempts })
  await tx.insert(models).values({
    id: modelId,
    dishId,
    photoId: photo.id,
    digest,
    jobId,
    state: 'queued',
    help,
    diameterCm: dish.plateDiameterCm,
    queuedAt: new Date(context.now()),
    traceId: author.from.traceId ?? null,
  })
  await tx.update(dishes).set({ modelId }).where(eq(dishes.id, dishId))
  await audit(tx, author, { action: 'model.requested', subject: { type: 'dish', id: dishId }, after: { modelId, photoId: photo.id, help } })
  await announceModel(tx, context.events, { id: dishId, modelId })
}

interface GivenUp {
  readonly author: Author
  readonly dish: DishRow
  readonly newest: ModelView
}

/** The job is cancelled, and without its row whatever still runs of it finds nothing to write to. */
async function giveUp(tx: Transaction, { queues }: Requesting, { author, dish, newest }: GivenUp): Promise<void> {
  if (isOpen(newest)) await cancelJob(tx, { id: newest.row.jobId, definition: modelGeneration, actor: nameOf(author), queues })
  if (newest.row.id !== dish.servedId) await tx.delete(models).where(eq(models.id, newest.row.id))
}

interface NewPhoto {
  readonly id: string
  readonly sourceSha256: string
  readonly sourceKey: string
}

/** The photo that was shown stays until the new one is normalised; one that was not yet is dropped. */
export async function replacePhoto(
  context: Requesting,
  author: Author,
  { tx, dish, upload }: { tx: Transaction; dish: DishRow; upload: NewPhoto },
): Promise<void> {
  const values = { ...upload, dishId: dish.id, uploadedAt: new Date(context.now()) }
  const [photo] = await tx.insert(photos).values(values).returning()
  if (!photo) throw new Error('insert returned no row')
  await tx.update(dishes).set({ photoId: photo.id }).where(eq(dishes.id, dish.id))
  if (dish.photoId !== dish.shownPhotoId) await dropPhoto(tx, dish.tenantId, dish.photoId)
  await audit(tx, author, {
    action: 'photo.uploaded',
    subject: { type: 'dish', id: dish.id },
    before: { photoId: dish.photoId },
    after: { photoId: photo.id, sha256: upload.sourceSha256 },
  })
  await requestModel(context, author, { tx, dish: { ...dish, photoId: photo.id }, photo, help: null })
}

export async function dropPhoto(tx: Transaction, tenantId: string, photoId: string | null): Promise<void> {
  if (photoId === null) return
  const [photo] = await tx.delete(photos).where(eq(photos.id, photoId)).returning()
  if (photo) await requestRemoval(tx, tenantId, objectsOfPhoto(photo))
}

/** Photo, model, and what is under way of them: rows now, objects after the commit. */
export async function dropMedia(tx: Transaction, context: Requesting, { author, dish }: { author: Author; dish: DishRow }): Promise<void> {
  const newest = await newestModel(tx, dish)
  if (newest && isOpen(newest)) {
    await cancelJob(tx, { id: newest.row.jobId, definition: modelGeneration, actor: nameOf(author), queues: context.queues })
  }
  const gonePhotos = await tx.delete(photos).where(eq(photos.dishId, dish.id)).returning()
  const goneModels = await tx.delete(models).where(eq(models.dishId, dish.id)).returning()
  const objects = [...gonePhotos.flatMap(objectsOfPhoto), ...goneModels.flatMap(({ result }) => objectsOfResult(result))]
  await requestRemoval(tx, dish.tenantId, objects)
  await tx.update(dishes).set({ photoId: null, shownPhotoId: null, modelId: null, servedId: null }).where(eq(dishes.id, dish.id))
}

/** @throws job.not-retryable if the model is under way, or there is no photo to make it from */
export async function retryModel(context: Requesting, author: Author, { tx, dish }: { tx: Transaction; dish: DishRow }): Promise<void> {
  const photo = await photoOf(tx, dish.photoId)
  if (!photo) throw problem('job.not-retryable', { detail: 'the dish has no photo to make a model from' })
  const newest = await newestModel(tx, dish)
  if (newest && isOpen(newest)) throw problem('job.not-retryable', { detail: `the model is ${stateOf(newest)}` })
  if (newest && (await startAgain(tx, context, { author, dish, newest }))) return
  await requestModel(context, author, { tx, dish, photo, help: newest?.row.help ?? null, again: true })
}

/** The same job once more, so that nobody is left to look at its dead letter. False where that does not do: the photo is another one, or the job is forgotten. */
async function startAgain(tx: Transaction, context: Requesting, { author, dish, newest }: GivenUp): Promise<boolean> {
  const { row } = newest
  if (row.state === 'done' || row.photoId !== dish.photoId) return false
  const { queues, limits } = context
  const job = { id: row.jobId, definition: modelGeneration, actor: nameOf(author), queues, attempts: limits.attempts }
  if (!(await retryJob(tx, job))) return false
  await tx
    .update(models)
    .set({ ...waiting, queuedAt: new Date(context.now()), revision: sql`${models.revision} + 1` })
    .where(eq(models.id, row.id))
  await audit(tx, author, { action: 'model.retried', subject: { type: 'dish', id: dish.id }, after: { modelId: row.id } })
  await announceModel(tx, context.events, dish)
  return true
}

const waiting = {
  state: 'queued' as const,
  runToken: null,
  step: null,
  progress: 0,
  attempt: 0,
  error: null,
  startedAt: null,
  finishedAt: null,
}

/** @throws job.not-retryable if there is nothing under way */
export async function cancelModel(context: Requesting, author: Author, { tx, dish }: { tx: Transaction; dish: DishRow }): Promise<void> {
  const newest = await newestModel(tx, dish)
  if (!newest || !isOpen(newest)) {
    throw problem('job.not-retryable', { detail: newest ? `the model is ${stateOf(newest)}` : 'the dish has no model' })
  }
  const { row } = newest
  await cancelJob(tx, { id: row.jobId, definition: modelGeneration, actor: nameOf(author), queues: context.queues })
  // At once, and whatever the worker is at: without its token it can write no more.
  await tx
    .update(models)
    .set({ state: 'cancelled', runToken: null, finishedAt: new Date(context.now()), revision: sql`${models.revision} + 1` })
    .where(and(eq(models.id, row.id), ne(models.state, 'done')))
  await audit(tx, author, { action: 'model.cancelled', subject: { type: 'dish', id: dish.id }, after: { modelId: row.id } })
  await announceModel(tx, context.events, dish)
}
