import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { isProblem } from '@slipway/problem'
import { and, eq, isNull } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import { dishes, photos } from '../schema.ts'
import { lockDish, photoOf } from './dish-view.ts'
import type { PhotoRow } from './model-view.ts'
import { imagesBucket, objectsOfPhoto, photoObject, requestRemoval } from './object.ts'
import { type Claim, ClaimLost } from './report.ts'
import { dropPhoto } from './requests.ts'
import { acceptOwn } from './store.ts'

/**
 * The photo as it is shown, which is also what models are made of: normalised now, unless an earlier run has done so. What was uploaded,
 * place and camera in it, is removed with the same commit. What a crash leaves behind at each line, and who clears it up:
 * - before the copy: a quarantine object that no row knows, for the sweep. The next run normalises again.
 * - before the commit: an object without a row, at the place where the next run puts the same bytes; else for the sweep.
 */
export async function fetchPhoto(context: MenuContext, claim: Claim, { photoId, signal }: { photoId: string; signal: AbortSignal }) {
  const photo = await context.database.tenantTransaction(claim.tenantId, (tx) => photoOf(tx, photoId), { readOnly: true })
  if (photo === null) throw new ClaimLost('the photo is gone')
  if (photo.key !== null) return await read(context, photo.key, signal)
  const source = await read(context, photo.sourceKey ?? '', signal)
  try {
    return await normalise(context, claim, { photo, source, signal })
  } catch (error) {
    // It stays what it is at every try, and nobody is served by keeping where it was taken.
    if (isProblem(error) && !error.retryable && error.status < 500) await forget(context, claim, photo).catch(() => undefined)
    throw error
  }
}

async function read({ storage }: MenuContext, key: string, signal: AbortSignal): Promise<Uint8Array> {
  const { stream } = await storage.read({ bucket: imagesBucket, key }, { signal })
  return await buffer(stream)
}

interface Source {
  readonly photo: PhotoRow
  readonly source: Uint8Array
  readonly signal: AbortSignal
}

async function normalise(context: MenuContext, claim: Claim, { photo, source, signal }: Source): Promise<Uint8Array> {
  const { gate, pool, limits } = context
  const { jpeg, width, height } = await pool.normalise(source, { maxPixels: limits.photoPixels }, { signal })
  const sha256 = createHash('sha256').update(jpeg).digest('hex')
  const target = photoObject(photo, sha256)
  const accepted = await acceptOwn(gate, { bytes: jpeg, target, tenantId: claim.tenantId, signal })
  await accepted.promote({ contentType: 'image/jpeg' })
  await show(context, claim, { photo, values: { key: target.key, sha256, width, height, bytes: jpeg.byteLength } })
  return jpeg
}

interface Shown {
  readonly photo: PhotoRow
  readonly values: Pick<PhotoRow, 'key' | 'sha256' | 'width' | 'height' | 'bytes'>
}

/** From here on this photo is the one that is shown, and the one before it goes. */
async function show({ database }: MenuContext, { tenantId, dishId }: Claim, { photo, values }: Shown): Promise<void> {
  await database.tenantTransaction(tenantId, async (tx) => {
    const dish = await lockDish(tx, dishId).catch(goneIsNull)
    const normal = and(eq(photos.id, photo.id), isNull(photos.key))
    const isCurrent = dish !== null && dish.photoId === photo.id
    const [row] = isCurrent
      ? await tx
          .update(photos)
          .set({ ...values, sourceKey: null })
          .where(normal)
          .returning()
      : []
    if (row && dish) {
      await tx.update(dishes).set({ shownPhotoId: photo.id }).where(eq(dishes.id, dishId))
      if (dish.shownPhotoId !== photo.id) await dropPhoto(tx, tenantId, dish.shownPhotoId)
      return await requestRemoval(tx, tenantId, objectsOfPhoto({ sourceKey: photo.sourceKey, key: null }))
    }
    const current = await photoOf(tx, photo.id)
    if (current?.key !== values.key) await requestRemoval(tx, tenantId, objectsOfPhoto({ sourceKey: null, key: values.key }))
  })
}

/** The dish goes back to the photo that is shown, if there is one. */
async function forget({ database }: MenuContext, { tenantId, dishId }: Claim, photo: PhotoRow): Promise<void> {
  await database.tenantTransaction(tenantId, async (tx) => {
    const dish = await lockDish(tx, dishId)
    if (dish.photoId !== photo.id) return
    await tx.update(dishes).set({ photoId: dish.shownPhotoId }).where(eq(dishes.id, dishId))
    await dropPhoto(tx, tenantId, photo.id)
  })
}

export function goneIsNull(error: unknown): null {
  if (isProblem(error, 'resource.not-found')) return null
  throw error
}
