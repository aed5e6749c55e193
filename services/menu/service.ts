import { createTenantDirectory, type TenantDirectory } from '@slipway/auth'
import { ConfigError, integer, secret, text, url, type Values } from '@slipway/config'
import { problem } from '@slipway/problem'
import { days, perMinute } from '@slipway/queue'
import { auditRoute, defineService, type Runtime } from '@slipway/service'
import type { MenuContext } from './context.ts'
import { bucketRows } from './domain/bucket-rows.ts'
import { imagesBucket, modelsBucket } from './domain/object.ts'
import { createDishEvents } from './events/dish-events.ts'
import { dishObjectRemoval } from './jobs/dish-object-removal.ts'
import { menuSweep } from './jobs/menu-sweep.ts'
import { modelGeneration } from './jobs/model-generation.ts'
import { hintedBy } from './model/hinted.ts'
import { createModelPool } from './model/pool.ts'
import { getPhoto, outputRoutes } from './routes/content.ts'
import { createDishRoute, deleteDishRoute, getDish, listDishes, orderDishesRoute, patchDish } from './routes/dishes.ts'
import { dishEvents } from './routes/events.ts'
import { createMenuRoute, deleteMenuRoute, getMenu, listMenus, patchMenu } from './routes/menus.ts'
import { cancelModelRoute, patchModel, retryModelRoute } from './routes/models.ts'
import { deletePhoto, putPhoto } from './routes/photos.ts'
import { getPublicMenu, publicFileRoutes } from './routes/public.ts'

const mebibyte = 1_048_576
const megapixel = 1_000_000

const config = {
  modelsPerMinute: integer('MENU_MODELS_PER_MINUTE', {
    default: 10,
    min: 1,
    description: 'Models that are begun per minute over the whole installation; the same for all workers',
  }),
  modelConcurrency: integer('MENU_MODEL_CONCURRENCY', {
    default: 2,
    min: 1,
    max: 64,
    description: 'Models at a time per worker, each of which takes a core',
  }),
  modelAttempts: integer('MENU_MODEL_ATTEMPTS', { default: 3, min: 1, max: 20, description: 'Tries of one model' }),
  modelMemory: integer('MENU_MODEL_MEMORY_MB', {
    default: 256,
    min: 64,
    max: 4096,
    description: 'JavaScript heap of one thread that makes models; its pixels come on top',
  }),
  photoBytes: integer('MENU_PHOTO_BYTES', {
    default: 20 * mebibyte,
    min: 1,
    description: 'Bytes of one photo at most; not above CLAMAV_MAX_FILE_BYTES',
  }),
  photoPixels: integer('MENU_PHOTO_PIXELS', {
    default: 50 * megapixel,
    min: 1,
    max: 268_402_689,
    description: 'Width × height of one photo at most, read from its header before it is decoded',
  }),
  dishes: integer('MENU_MAX_DISHES', { default: 2000, min: 1, max: 10_000, description: 'Dishes of one tenant at most' }),
  sourceDays: integer('MENU_KEEP_SOURCE_DAYS', {
    default: 14,
    description: 'Days until a photo that no worker could normalise is dropped',
  }),
  gemini: {
    apiKey: secret('GEMINI_API_KEY', {
      optional: true,
      description: 'Lets Gemini look for the plate before the local method does: photos then leave the installation. Off without it',
    }),
    model: text('MENU_GEMINI_MODEL', { optional: true, description: 'Name of the model, such as gemini-3.8-flash; needed with the key' }),
    url: url('MENU_GEMINI_URL', { optional: true, description: "Instead of Google's, for a gateway" }),
    seconds: integer('MENU_GEMINI_SECONDS', { default: 15, min: 1, max: 60, description: 'How long its answer is waited for' }),
  },
  followers: integer('MENU_EVENT_CLIENTS', {
    default: 500,
    min: 1,
    description: 'Clients that follow dishes at a time per process; a fifth of them may be of one tenant',
  }),
}

const getAudit = auditRoute<MenuContext>({
  path: '/api/v1/menu/audit',
  operation: 'menu.audit',
  description: 'Newest first: dishes, menus, photos and models.',
  tags: ['dishes'],
})

const dishRoutes = [createDishRoute, listDishes, orderDishesRoute, getDish, patchDish, deleteDishRoute, dishEvents]
const modelRoutes = [putPhoto, getPhoto, deletePhoto, patchModel, retryModelRoute, cancelModelRoute, ...outputRoutes]
const menuRoutes = [createMenuRoute, listMenus, getMenu, patchMenu, deleteMenuRoute, getAudit]

export const menu = defineService({
  name: 'menu',
  title: 'Menu',
  description: 'Dishes, and 3D models made of their photos; the public menu of each tenant.',
  config,
  migrations: new URL('./migrations/', import.meta.url),
  buckets: [imagesBucket, modelsBucket],
  bucketRows,
  routes: [...dishRoutes, ...modelRoutes, ...menuRoutes, getPublicMenu, ...publicFileRoutes],
  queues: [modelGeneration, dishObjectRemoval, menuSweep],
  schedules: [{ id: 'menu-sweep', queue: menuSweep, every: days(1), payload: { version: 1 } }],
  limits: ({ modelConcurrency, modelsPerMinute }) => ({
    [modelGeneration.name]: { concurrency: modelConcurrency, rate: perMinute(modelsPerMinute) },
  }),
  context: createContext,
})

/** @throws if MENU_PHOTO_BYTES is above what the scanner takes: everything between would be uploaded only to be refused */
async function createContext(runtime: Runtime<Values<typeof config>>): Promise<MenuContext> {
  const { config, platform, database, system, storage, gate, queues, now, log } = runtime
  const { maxFileBytes } = platform.scanner
  if (config.photoBytes > maxFileBytes) {
    throw new Error(
      `MENU_PHOTO_BYTES is ${config.photoBytes}, above CLAMAV_MAX_FILE_BYTES (${maxFileBytes}): lower it, or raise the limits of clamd`,
    )
  }
  const events = createDishEvents({
    redis: runtime.redis('events'),
    keyPrefix: platform.redis.keyPrefix,
    clients: config.followers,
    log,
  })
  return {
    database,
    system,
    storage,
    gate,
    queues,
    events: runtime.own(events),
    tenants: tenantDirectory(runtime),
    pool: runtime.kind === 'worker' ? await modelMaker(runtime) : noPool,
    baseDomain: platform.baseDomain,
    limits: {
      photoBytes: config.photoBytes,
      photoPixels: config.photoPixels,
      attempts: config.modelAttempts,
      dishes: config.dishes,
      sourceDays: config.sourceDays,
    },
    now,
  }
}

async function modelMaker(runtime: Runtime<Values<typeof config>>): Promise<MenuContext['pool']> {
  const { modelConcurrency, modelMemory, gemini } = runtime.config
  const pool = runtime.own(createModelPool({ threads: modelConcurrency, memoryMb: modelMemory }))
  const { apiKey, model, url: baseUrl, seconds } = gemini
  if (apiKey === null) return pool
  if (model === null) throw new ConfigError(['MENU_GEMINI_MODEL: is needed with GEMINI_API_KEY'])
  const { createGeminiProvider } = await import('./model/gemini.ts')
  return hintedBy(createGeminiProvider({ apiKey: apiKey.reveal(), model, baseUrl: baseUrl?.href ?? null, seconds }), pool)
}

const noPool: MenuContext['pool'] = {
  make: () => Promise.reject(new TypeError('only workers make models')),
  normalise: () => Promise.reject(new TypeError('only workers normalise photos')),
}

function tenantDirectory({ platform, now }: Runtime<Values<typeof config>>): TenantDirectory {
  const { identityUrl, serviceCredential } = platform.auth
  if (identityUrl && serviceCredential) {
    return createTenantDirectory({ url: identityUrl.href, credential: serviceCredential.reveal(), now })
  }
  return { find: () => Promise.reject(problem('identity.unavailable', { detail: 'SLIPWAY_IDENTITY_URL is not set' })) }
}
