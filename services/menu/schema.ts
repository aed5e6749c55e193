import { tenantColumns } from '@slipway/db'
import { boolean, doublePrecision, integer, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { Allergen } from './domain/allergens.ts'
import type { Help, ModelError, StoredResult } from './domain/model.ts'

const schema = pgSchema('menu')

/** Milliseconds, as JavaScript has them: a cursor made of a timestamp must come back as the same value. */
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

const versioned = {
  version: integer('version').notNull().default(1),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
}

export const menus = schema.table('menus', {
  id: uuid('id').primaryKey(),
  ...tenantColumns,
  name: text('name').notNull(),
  description: text('description'),
  position: integer('position').notNull(),
  visible: boolean('visible').notNull().default(true),
  ...versioned,
})

export const categories = schema.table('categories', {
  id: uuid('id').primaryKey(),
  ...tenantColumns,
  menuId: uuid('menu_id').notNull(),
  name: text('name').notNull(),
  position: integer('position').notNull(),
})

export const dishes = schema.table('dishes', {
  id: uuid('id').primaryKey(),
  ...tenantColumns,
  name: text('name').notNull(),
  description: text('description'),
  priceAmount: integer('price_amount').notNull(),
  priceCurrency: text('price_currency').notNull(),
  categoryId: uuid('category_id'),
  allergens: text('allergens').array().$type<Allergen[]>().notNull().default([]),
  plateDiameterCm: doublePrecision('plate_diameter_cm').notNull(),
  position: integer('position').notNull(),
  visible: boolean('visible').notNull().default(true),
  /** The newest photo, which a worker may still have to normalise. */
  photoId: uuid('photo_id'),
  /** The photo that is shown. */
  shownPhotoId: uuid('shown_photo_id'),
  /** The newest request for a model. Its lock is the row of the dish, as for everything that hangs on it. */
  modelId: uuid('model_id'),
  /** The model whose files are served. */
  servedId: uuid('served_id'),
  ...versioned,
})

export const photos = schema.table('photos', {
  id: uuid('id').primaryKey(),
  ...tenantColumns,
  dishId: uuid('dish_id').notNull(),
  sourceSha256: text('source_sha256').notNull(),
  sourceKey: text('source_key'),
  key: text('key'),
  sha256: text('sha256'),
  width: integer('width'),
  height: integer('height'),
  bytes: integer('bytes'),
  uploadedAt: moment('uploaded_at').notNull(),
})

export const modelStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const

export const models = schema.table('models', {
  id: uuid('id').primaryKey(),
  ...tenantColumns,
  dishId: uuid('dish_id').notNull(),
  photoId: uuid('photo_id').notNull(),
  digest: text('digest').notNull(),
  jobId: uuid('job_id').notNull(),
  state: text('state', { enum: modelStates }).notNull(),
  runToken: uuid('run_token'),
  step: text('step'),
  progress: integer('progress').notNull().default(0),
  attempt: integer('attempt').notNull().default(0),
  revision: integer('revision').notNull().default(1),
  help: jsonb('help').$type<Help>(),
  diameterCm: doublePrecision('diameter_cm').notNull(),
  result: jsonb('result').$type<StoredResult>(),
  error: jsonb('error').$type<ModelError>(),
  queuedAt: moment('queued_at').notNull(),
  startedAt: moment('started_at'),
  finishedAt: moment('finished_at'),
  /** Of the request. */
  traceId: text('trace_id'),
})

/** Part of the table that libs/queue adds to every schema: what became of a request when its worker could not say. */
export const jobs = schema.table('jobs', {
  id: uuid('id').primaryKey(),
  state: text('state').notNull(),
  reason: text('reason'),
  cancelRequestedAt: moment('cancel_requested_at'),
})
