import { reconcile, sweepQuarantine } from '@slipway/storage'
import { and, eq, isNull, lt } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import { dishes, photos } from '../schema.ts'
import { bucketRows } from './bucket-rows.ts'
import { lockDish } from './dish-view.ts'
import { goneIsNull } from './normalise.ts'
import { imagesBucket, modelsBucket } from './object.ts'
import { dropPhoto } from './requests.ts'

const dayMilliseconds = 86_400_000
/** From the copy to the commit it takes milliseconds; a day is beyond doubt. */
const orphanMilliseconds = dayMilliseconds

type Swept = Pick<MenuContext, 'storage' | 'system' | 'database' | 'limits' | 'now'>

/** Objects without a row: crashes between copy and commit, runs that came too late. Looks at every key there is, so it runs seldom. */
export async function sweepObjects({ storage, system, now }: Swept, signal: AbortSignal) {
  const [images, outputs] = bucketRows(system)
  const options = { olderThan: new Date(now() - orphanMilliseconds), repair: true, signal }
  const ofImages = await reconcile(storage, images, options)
  const ofOutputs = await reconcile(storage, outputs, options)
  const lost = [ofImages, ofOutputs].reduce((sum, { found }) => sum + found.lost + found.changed, 0)
  return { images: ofImages.removed, models: ofOutputs.removed, lost }
}

/** Nothing of ours stays in quarantine for long. What belongs to others there is left alone: keys say where their content was to go. */
export async function sweepOwnQuarantine({ storage, now }: Swept, signal: AbortSignal): Promise<number> {
  const isOurs = (key: string) => [imagesBucket, modelsBucket].some((bucket) => key.split('/')[1] === bucket)
  const isKnown = async (keys: string[]) => new Set(keys.filter((key) => !isOurs(key)))
  const { removed } = await sweepQuarantine(storage, { olderThan: new Date(now() - orphanMilliseconds), isKnown, signal })
  return removed
}

/** Photos that were never normalised, with all that they tell of their makers: after so long nobody will try again. */
export async function dropOldSources({ system, database, limits, now }: Swept, signal: AbortSignal): Promise<number> {
  const before = new Date(now() - limits.sourceDays * dayMilliseconds)
  const old = await system.transaction((tx) =>
    tx
      .select({ id: photos.id, tenantId: photos.tenantId, dishId: photos.dishId })
      .from(photos)
      .where(and(isNull(photos.key), lt(photos.uploadedAt, before)))
      .limit(10_000),
  )
  for (const { id, tenantId, dishId } of old) {
    signal.throwIfAborted()
    await database.tenantTransaction(tenantId, async (tx) => {
      const dish = await lockDish(tx, dishId).catch(goneIsNull)
      const [stillOld] = await tx
        .select({ id: photos.id })
        .from(photos)
        .where(and(eq(photos.id, id), isNull(photos.key)))
      if (!dish || !stillOld) return
      if (dish.photoId === id) await tx.update(dishes).set({ photoId: dish.shownPhotoId }).where(eq(dishes.id, dishId))
      await dropPhoto(tx, tenantId, id)
    })
  }
  return old.length
}
