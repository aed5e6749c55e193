import { pipeline, type Readable, Transform } from 'node:stream'
import { newId } from '@slipway/db'
import { type IdempotencyHandle, multipart, reply, routesFor } from '@slipway/http'
import { isProblem, problem } from '@slipway/problem'
import type { Accepted, Clean, Refused } from '@slipway/storage'
import type { MenuContext } from '../context.ts'
import { announceModel } from '../domain/announce.ts'
import { type Author, audit } from '../domain/author.ts'
import { lockDish, newestModel, photoOf, requireDish, requireDishView } from '../domain/dish-view.ts'
import { sourceOf } from '../domain/object.ts'
import { dropMedia, replacePhoto, requestModel } from '../domain/requests.ts'
import { readPhotoHeader } from '../model/photo.ts'
import { authorOf } from './author.ts'
import { Dish, dishBody, dishExample, IdParams } from './representation.ts'

const route = routesFor<MenuContext>()
const tags = ['dishes']
const write = { role: 'member', scope: 'menu:write' } as const

/** What a multipart body has around its file, at most. */
const envelopeBytes = 65_536
/** Enough for the header of a photo, also behind large metadata. */
const headBytes = 256 * 1024

export const putPhoto = route(
  {
    method: 'PUT',
    path: '/api/v1/dishes/{id}/photo',
    operation: 'dishes.photo.put',
    summary: 'Upload the photo of a dish',
    description:
      'JPEG, PNG, WebP or AVIF. Scanned while it arrives; 202 means that it is clean and that the model is being made, unless the photo is the one that is there. Where it was taken is removed before anybody is shown it.',
    tags,
    auth: write,
    params: IdParams,
    body: multipart({ file: 'photo' }),
    responses: { 202: { description: 'Taken', schema: Dish, example: dishExample, headers: { location: 'The dish, with its progress' } } },
    problems: [
      'resource.not-found',
      'file.too-large',
      'file.infected',
      'file.unscannable',
      'photo.unreadable',
      'photo.unsupported',
      'photo.too-many-pixels',
      'scanner.unavailable',
      'storage.unavailable',
    ],
  },
  async (input, context) => {
    const author = authorOf(input)
    const { photoBytes } = context.limits
    if (Number(input.request.headers['content-length'] ?? 0) - envelopeBytes > photoBytes) throw tooLarge(photoBytes)
    const dishId = input.params.id
    await context.database.tenantTransaction(author.tenantId, (tx) => requireDish(tx, dishId), { readOnly: true })
    const upload = { author, dishId, id: newId(context.now) }
    const { accepted, head } = await receive(context, upload, { stream: input.parts.file.stream, signal: input.request.signal })
    if (!accepted.promote) return await refuse(context, upload, accepted)
    await requirePhoto(context, accepted, head)
    return await take(context, upload, { accepted, idempotency: input.idempotency })
  },
)

interface Upload {
  readonly author: Author
  readonly dishId: string
  /** Of the photo. */
  readonly id: string
}

function tooLarge(limit: number): Error {
  return problem('file.too-large', { detail: `the photo has more than ${limit} bytes, the most that is accepted`, limit })
}

/** One pass through the gate, with a copy of the beginning. */
async function receive(
  { gate, limits }: MenuContext,
  { author, dishId, id }: Upload,
  { stream, signal }: { stream: Readable; signal: AbortSignal },
): Promise<{ accepted: Accepted; head: Buffer }> {
  const parts: Buffer[] = []
  let copied = 0
  const copying = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (copied < headBytes) parts.push(Buffer.from(chunk.subarray(0, headBytes - copied)))
      copied += chunk.length
      done(null, chunk)
    },
  })
  // Whichever of the two fails takes the other along; the gate tells of it.
  pipeline(stream, copying, () => undefined)
  const { tenantId } = author
  const target = sourceOf({ tenantId, dishId, id })
  const accepted = await gate.accept(copying, { ...target, tenantId, maxBytes: limits.photoBytes, signal })
  return { accepted, head: Buffer.concat(parts) }
}

/** The verdict of the scanner goes before what the bytes look like: malware under the name of a photo is malware. */
async function requirePhoto({ gate, limits }: MenuContext, accepted: Clean, head: Buffer): Promise<void> {
  try {
    await readPhotoHeader(head, { maxPixels: limits.photoPixels })
  } catch (error) {
    await gate.discard(accepted.quarantine).catch(() => undefined)
    throw error
  }
}

async function refuse(
  { gate, database }: MenuContext,
  { author, dishId }: Upload,
  { verdict, sha256, quarantine }: Refused,
): Promise<never> {
  await gate.discard(quarantine).catch(() => undefined)
  const { verdict: name, signature, reason } = verdict
  if (name === 'error') throw problem('scanner.unavailable', { detail: 'the scanner gave no verdict: try again' })
  const after = { sha256, verdict: name, signature, reason }
  await database.tenantTransaction(author.tenantId, (tx) =>
    audit(tx, author, { action: 'photo.refused', subject: { type: 'dish', id: dishId }, after }),
  )
  if (name === 'infected') throw problem('file.infected', { detail: `the scanner found ${signature ?? 'malware'}`, signature })
  throw problem('file.unscannable', { detail: 'the scanner could not look at all of the photo', reason })
}

interface Arrival {
  readonly accepted: Clean
  readonly idempotency: IdempotencyHandle
}

/**
 * What a crash leaves behind at each line, and who clears it up: before the copy a quarantine object, before the commit an object that no
 * row knows, both for `menu-sweep`; after the commit nothing, the job is owed.
 */
async function take(context: MenuContext, upload: Upload, { accepted, idempotency }: Arrival) {
  const { author, dishId, id } = upload
  const { tenantId } = author
  const target = sourceOf({ tenantId, dishId, id })
  await accepted.promote()
  try {
    const { answer, used } = await context.database.tenantTransaction(tenantId, async (tx) => {
      const used = await usePhoto(tx, context, { ...upload, sha256: accepted.sha256, key: target.key })
      const body = dishBody(await requireDishView(tx, dishId))
      const answer = reply(202, body, { headers: { location: `/api/v1/dishes/${dishId}` } })
      await idempotency.complete(tx, answer)
      return { answer, used }
    })
    if (!used) await context.storage.remove(target).catch(() => undefined)
    return answer
  } catch (error) {
    // Refused before the commit, so there is surely no row. Otherwise the commit may have come through, and only the sweep can tell.
    if (isProblem(error) && error.status < 500) await context.storage.remove(target).catch(() => undefined)
    throw error
  }
}

type Tx = Parameters<typeof lockDish>[0]

/** False if the dish has this very photo: then a model is asked for only if there is none and none is under way. */
async function usePhoto(
  tx: Tx,
  context: MenuContext,
  { author, dishId, id, sha256, key }: Upload & { sha256: string; key: string },
): Promise<boolean> {
  const dish = await lockDish(tx, dishId)
  const photo = await photoOf(tx, dish.photoId)
  if (photo?.sourceSha256 === sha256) {
    await requestModel(context, author, { tx, dish, photo, help: (await newestModel(tx, dish))?.row.help ?? null })
    return false
  }
  await replacePhoto(context, author, { tx, dish, upload: { id, sourceSha256: sha256, sourceKey: key } })
  return true
}

export const deletePhoto = route(
  {
    method: 'DELETE',
    path: '/api/v1/dishes/{id}/photo',
    operation: 'dishes.photo.delete',
    summary: 'Delete the photo of a dish and its model',
    tags,
    auth: write,
    params: IdParams,
    responses: { 204: { description: 'Gone' } },
    problems: ['resource.not-found'],
  },
  async (input, context) => {
    const author = authorOf(input)
    const done = reply(204)
    await context.database.tenantTransaction(author.tenantId, async (tx) => {
      const dish = await lockDish(tx, input.params.id)
      if (dish.photoId === null) throw problem('resource.not-found', { detail: 'the dish has no photo' })
      await dropMedia(tx, context, { author, dish })
      const before = { photoId: dish.photoId, modelId: dish.servedId }
      await audit(tx, author, { action: 'photo.deleted', subject: { type: 'dish', id: dish.id }, before })
      await announceModel(tx, context.events, { id: dish.id, modelId: null })
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)
