import type { Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import type { ObjectRef } from '@slipway/storage'
import { dishObjectRemoval } from '../jobs/dish-object-removal.ts'
import type { photos } from '../schema.ts'
import { type Output, outputs, type StoredResult } from './model.ts'

export const imagesBucket = 'dish-images'
export const modelsBucket = 'dish-models'

type MenuObject = ObjectRef & { readonly bucket: typeof imagesBucket | typeof modelsBucket }

interface PhotoPlace {
  readonly tenantId: string
  readonly dishId: string
  readonly id: string
}

/** What was uploaded. The ids in keys are never given out again. */
export function sourceOf({ tenantId, dishId, id }: PhotoPlace): MenuObject {
  return { bucket: imagesBucket, key: `${tenantId}/${dishId}/${id}.source` }
}

/** The digest in the key: another version of the pipeline gives other bytes, which must not meet those of an interrupted run. */
export function photoObject({ tenantId, dishId, id }: PhotoPlace, sha256: string): MenuObject {
  return { bucket: imagesBucket, key: `${tenantId}/${dishId}/${id}.${sha256.slice(0, 16)}.jpg` }
}

interface ModelPlace {
  readonly tenantId: string
  readonly dishId: string
  readonly modelId: string
}

const fileNames: Record<Output, string> = { plain: 'model.glb', web: 'model.web.glb', poster: 'poster.webp' }
export const contentTypes: Record<Output, string> = { plain: 'model/gltf-binary', web: 'model/gltf-binary', poster: 'image/webp' }

export function outputObject({ tenantId, dishId, modelId }: ModelPlace, output: Output, sha256: string): MenuObject {
  return { bucket: modelsBucket, key: `${tenantId}/${dishId}/${modelId}/${sha256.slice(0, 16)}.${fileNames[output]}` }
}

/** The model that a key of the bucket belongs to. */
export function modelIdOf(key: string): string | undefined {
  return /^[0-9a-f-]{36}\/[0-9a-f-]{36}\/([0-9a-f-]{36})\//.exec(key)?.[1]
}

export function objectsOfPhoto({ sourceKey, key }: Pick<typeof photos.$inferSelect, 'sourceKey' | 'key'>): MenuObject[] {
  return [sourceKey, key].flatMap((each) => (each === null ? [] : [{ bucket: imagesBucket, key: each }]))
}

export function objectsOfResult(result: Pick<StoredResult, 'files'> | null): MenuObject[] {
  return result === null ? [] : outputs.map((output) => ({ bucket: modelsBucket, key: result.files[output].key }))
}

/** Removes objects after the commit: rows go first, so nobody is given what is about to vanish. */
export async function requestRemoval(tx: Transaction, tenantId: string, objects: readonly MenuObject[]): Promise<void> {
  if (objects.length > 0) await enqueue(tx, dishObjectRemoval, { version: 1, tenantId, objects: [...objects] })
}
