import type { Transaction } from '@slipway/db'
import { sweepBucket, sweepQuarantine } from '@slipway/storage'
import { and, eq, inArray, isNull, lt, or } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import { dishes, models, photos } from '../schema.ts'
import { lockDish } from './dish-view.ts'
import { goneIsNull } from './normalise.ts'
import { imagesBucket, modelIdOf, modelsBucket, objectsOfResult } from './object.ts'
import { dropPhoto } from './requests.ts'

const dayMilliseconds = 86_400_000
/** From the copy to the commit it takes milliseconds; a day is beyond doubt. */
const orphanMilliseconds = dayMilliseconds

type Swept = Pick<MenuContext, 'storage' | 'system' | 'database' | 'limits' | 'now'>

/** Objects without a row: crashes between copy and commit, runs that came too late. Looks at every key there is, so it runs seldom. */
export async function sweepObjects({ storage, system, now }: Swept, signal: AbortSignal) {
  const olderThan = new Date(now() - orphanMilliseconds)
  const known = (look: typeof knownImages) => (keys: string[]) => system.transaction((tx) => look(tx, keys))
  const images = await sweepBucket(storage, imagesBucket, { olderThan, isKnown: known(knownImages), signal })
  const outputs = await sweepBucket(storage, modelsBucket, { olderThan, isKnown: known(knownOutputs), signal })
  return { images: images.removed, models: outputs.removed }
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

async function knownImages(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const rows = await tx
    .select({ key: photos.key, sourceKey: photos.sourceKey })
    .from(photos)
    .where(or(inArray(photos.key, keys), inArray(photos.sourceKey, keys)))
  return new Set(rows.flatMap(({ key, sourceKey }) => [key, sourceKey].filter((each) => each !== null)))
}

async function knownOutputs(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const ids = [...new Set(keys.flatMap((key) => modelIdOf(key) ?? []))]
  if (ids.length === 0) return new Set()
  const rows = await tx.select({ result: models.result }).from(models).where(inArray(models.id, ids))
  return new Set(rows.flatMap(({ result }) => objectsOfResult(result).map(({ key }) => key)))
}
