import { createHash } from 'node:crypto'
import type { RequestInfo } from '@slipway/http'
import { requireIfMatch } from '@slipway/http'
import { problems } from '@slipway/problem'
import { z } from 'zod'
import { allergens } from '../domain/allergens.ts'
import type { DishView } from '../domain/dish-view.ts'
import { fieldsOf } from '../domain/dishes.ts'
import type { MenuView } from '../domain/menus.ts'
import { steps } from '../domain/model.ts'
import { modelBody, photoBody } from '../domain/model-view.ts'
import { modelStates } from '../schema.ts'

export const Id = z.uuid()
export const IdParams = z.object({ id: Id })

/** A query parameter that is a flag. */
export const Flag = z.enum(['true', 'false']).transform((value) => value === 'true')

/** Joiners are letters to some scripts, and hold emoji together; direction marks would let a name pass for another one. */
const printable = /^(?:[^\p{C}]|[\u200c\u200d])*$/u

export const Name = z.string().trim().min(1).max(200).regex(printable, 'must not contain control characters')
/** Lines may be broken; otherwise as names. */
export const Description = z
  .string()
  .trim()
  .max(2000)
  .refine((text) => printable.test(text.replace(/\r?\n/g, '')), 'must not contain control characters other than line breaks')

const currencies = new Set(Intl.supportedValuesOf('currency'))
const largestAmount = 2_147_483_647

const Amount = z.int().min(0).max(largestAmount).describe('In the smallest unit of the currency: cents')
const Currency = z.string().refine((code) => currencies.has(code), 'must be a currency of ISO 4217, such as EUR')

export const Price = z.strictObject({ amount: Amount, currency: Currency.default('EUR') })
/** Without a default: whoever changes the amount alone does not change the currency. */
export const PriceChange = z.strictObject({ amount: Amount.optional(), currency: Currency.optional() })

export const Allergens = z
  .array(z.enum(allergens))
  .max(allergens.length)
  .refine((names) => new Set(names).size === names.length, 'must not name one twice')
  .describe('Of the 14 of Regulation (EU) No 1169/2011')

export const PlateDiameter = z.number().min(5).max(60).describe('Of the plate in the photo: what gives the model its size')

const Share = z.number().min(0).max(1)
export const CropBody = z
  .strictObject({ x: Share, y: Share, width: Share.min(0.02), height: Share.min(0.02) })
  .refine(({ x, y, width, height }) => x + width <= 1.000001 && y + height <= 1.000001, 'must lie within the photo')
  .describe('The part of the photo to look at, in shares of its width and height')
export const PlateBody = z
  .strictObject({
    x: Share,
    y: z.number().min(0).max(20),
    a: z.number().min(0.01).max(2),
    b: z.number().min(0.01).max(2),
    angle: z.number().min(-7).max(7),
  })
  .describe("The rim of the plate: centre and half axes in shares of the photo's width, angle in radians")

const Url = z.string()
const Moment = z.iso.datetime()

const Photo = z.object({
  id: Id,
  width: z.int(),
  height: z.int(),
  contentType: z.literal('image/jpeg'),
  bytes: z.int(),
  sha256: z.string(),
  url: Url,
  uploadedAt: Moment,
})

const ModelFile = z.object({ bytes: z.int(), url: Url })
const Result = z.object({
  method: z.enum(['plate', 'relief']),
  confidence: z.number().min(0).max(1),
  confident: z.boolean().describe('False: it may be wrong; `PATCH …/model` helps it'),
  tiltDegrees: z.number(),
  triangles: z.int(),
  webTriangles: z.int(),
  milliseconds: z.number(),
  warnings: z.array(z.string()),
  outline: z.object({ x: z.number(), y: z.number(), a: z.number(), b: z.number(), angle: z.number() }),
  files: z.object({ plain: ModelFile, web: ModelFile, poster: ModelFile }),
})

const StepName = z.enum(steps)
export const Model = z
  .object({
    id: Id,
    state: z.enum(modelStates),
    step: StepName.nullable(),
    steps: z.array(StepName).describe('All of them, in order'),
    progress: z.int().min(0).max(100),
    attempt: z.int(),
    jobId: Id.describe('At /api/v1/menu/jobs'),
    traceId: z.string().nullable().describe('Of the request, from the photo to the files; null for those of before it was kept'),
    queuedAt: Moment,
    startedAt: Moment.nullable(),
    finishedAt: Moment.nullable(),
    error: z
      .object({ code: z.enum(Object.keys(problems) as [keyof typeof problems]), detail: z.string(), traceId: z.string().nullable() })
      .nullable()
      .describe('Of the last attempt'),
    help: z.union([z.object({ crop: CropBody }), z.object({ plate: PlateBody })]).nullable(),
    result: Result.nullable(),
  })
  .meta({ id: 'DishModel' })

export const Dish = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string().nullable(),
    price: z.object({ amount: z.int(), currency: z.string() }),
    categoryId: Id.nullable(),
    allergens: z.array(z.enum(allergens)),
    plateDiameterCm: z.number(),
    position: z.int(),
    visible: z.boolean(),
    photo: Photo.nullable().describe('null until one is normalised'),
    model: Model.nullable().describe('The newest request; while it is not done, the files of the model before stay served'),
    served: Id.nullable().describe('The model whose files are served'),
    etag: z.string().describe('For If-Match, quotes included; changes of photo and model do not make it stale'),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'Dish' })

export function dishBody({ dish, photo, model }: DishView): z.input<typeof Dish> {
  const { id, position, servedId, version } = dish
  const { allergens: names, ...fields } = fieldsOf(dish)
  const body = {
    id,
    ...fields,
    allergens: [...names],
    position,
    photo: photoBody(photo),
    model: model && modelBody(model),
    served: servedId,
    createdAt: dish.createdAt.toISOString(),
    updatedAt: dish.updatedAt.toISOString(),
  }
  return { ...body, etag: etagOf(version, body) }
}

/**
 * The tag names these very bytes, so that a 304 hides neither progress nor another order; a change is compared by the version in it
 * alone, so that neither gets into the way of whoever edits the text.
 */
function etagOf(version: number, body: object): string {
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 16)
  return `"${version}.${digest}"`
}

/** What `If-Match` says of the version. */
export function expectation(request: Pick<RequestInfo, 'headers'>) {
  const sent = request.headers['if-match']
  const headers = sent === undefined ? request.headers : { ...request.headers, 'if-match': sent.replace(/"(\d+)\.[\w-]+"/g, '"$1"') }
  return (row: { version: number }) => requireIfMatch({ headers }, `"${row.version}"`, { optional: true })
}

const Category = z.object({ id: Id, name: z.string(), position: z.int() })

export const Menu = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string().nullable(),
    position: z.int(),
    visible: z.boolean(),
    categories: z.array(Category),
    etag: z.string().describe('For If-Match, quotes included; changes of the order do not make it stale'),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'Menu' })

export function menuBody({ menu, categories }: MenuView): z.input<typeof Menu> {
  const { id, name, description, position, visible } = menu
  const times = { createdAt: menu.createdAt.toISOString(), updatedAt: menu.updatedAt.toISOString() }
  const sections = categories.map((category) => ({ id: category.id, name: category.name, position: category.position }))
  const body = { id, name, description, position, visible, categories: sections, ...times }
  return { ...body, etag: etagOf(menu.version, body) }
}

const at = '2026-11-21T09:30:00.000Z'
const dishId = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b21'
const modelId = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b22'

export const modelExample: z.input<typeof Model> = {
  id: modelId,
  state: 'done',
  step: null,
  steps: [...steps],
  progress: 100,
  attempt: 1,
  jobId: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b23',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  queuedAt: at,
  startedAt: at,
  finishedAt: at,
  error: null,
  help: null,
  result: {
    method: 'plate',
    confidence: 0.93,
    confident: true,
    tiltDegrees: 41.5,
    triangles: 9_216,
    webTriangles: 2_304,
    milliseconds: 540,
    warnings: [],
    outline: { x: 0.5, y: 0.37, a: 0.41, b: 0.3, angle: 0.02 },
    files: {
      plain: { bytes: 402_118, url: `/api/v1/dishes/${dishId}/model.glb` },
      web: { bytes: 83_540, url: `/api/v1/dishes/${dishId}/model.web.glb` },
      poster: { bytes: 21_304, url: `/api/v1/dishes/${dishId}/poster.webp` },
    },
  },
}

export const dishExample: z.input<typeof Dish> = {
  id: dishId,
  name: 'Tarte Tatin',
  description: 'Warm, with crème fraîche',
  price: { amount: 850, currency: 'EUR' },
  categoryId: null,
  allergens: ['gluten', 'milk'],
  plateDiameterCm: 26,
  position: 0,
  visible: true,
  photo: {
    id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b24',
    width: 2048,
    height: 1536,
    contentType: 'image/jpeg',
    bytes: 734_003,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    url: `/api/v1/dishes/${dishId}/photo`,
    uploadedAt: at,
  },
  model: modelExample,
  served: modelId,
  etag: '"3.kT4mJc0q9ZsX2b7L"',
  createdAt: at,
  updatedAt: at,
}

export const menuExample: z.input<typeof Menu> = {
  id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b25',
  name: 'Lunch',
  description: null,
  position: 0,
  visible: true,
  categories: [{ id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b26', name: 'Desserts', position: 0 }],
  etag: '"1.Xw0s7Vd2Qp9LmZ4r"',
  createdAt: at,
  updatedAt: at,
}
