/** The contract of services/menu. It comes from the generated file as soon as that service is one of the installation. */
/** EU Regulation 1169/2011, Annex II. */
export type Allergen =
  | 'gluten'
  | 'crustaceans'
  | 'eggs'
  | 'fish'
  | 'peanuts'
  | 'soybeans'
  | 'milk'
  | 'nuts'
  | 'celery'
  | 'mustard'
  | 'sesame'
  | 'sulphites'
  | 'lupin'
  | 'molluscs'

export interface Price {
  readonly amount: number
  readonly currency: string
}

/** Centre and half axes in parts of the photo's width, angle in radians. */
export interface Ellipse {
  readonly x: number
  readonly y: number
  readonly a: number
  readonly b: number
  readonly angle: number
}

export interface Crop {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface ModelFile {
  readonly bytes: number
  readonly url: string
}

export interface ModelResult {
  readonly method: 'plate' | 'relief'
  readonly confidence: number
  readonly confident: boolean
  readonly tiltDegrees: number
  readonly triangles: number
  readonly webTriangles: number
  readonly milliseconds: number
  readonly warnings: readonly string[]
  readonly outline: Ellipse
  readonly files: { readonly plain: ModelFile; readonly web: ModelFile; readonly poster: ModelFile }
}

export interface Model {
  readonly id: string
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  readonly step: string | null
  readonly steps: readonly string[]
  readonly progress: number
  readonly attempt: number
  readonly jobId: string
  readonly queuedAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  readonly error: { readonly code: string; readonly detail: string; readonly traceId: string | null } | null
  readonly help: { readonly crop?: Crop; readonly plate?: Ellipse } | null
  readonly result: ModelResult | null
}

export interface Photo {
  readonly id: string
  readonly width: number
  readonly height: number
  readonly bytes: number
  readonly url: string
}

export interface Dish {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly price: Price
  readonly categoryId: string | null
  readonly allergens: readonly Allergen[]
  readonly plateDiameterCm: number
  readonly position: number
  readonly visible: boolean
  readonly photo: Photo | null
  readonly model: Model | null
  readonly served: string | null
  readonly etag: string
  readonly createdAt: string
  readonly updatedAt: string
}

export interface Menu {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly position: number
  readonly visible: boolean
  readonly categories: ReadonlyArray<{ readonly id: string; readonly name: string; readonly position: number }>
  readonly etag: string
}

export interface PublicDish {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly price: Price
  readonly allergens: readonly string[]
  readonly photo: { readonly url: string; readonly width: number; readonly height: number } | null
  readonly model: { readonly plain: string; readonly web: string; readonly poster: string } | null
  readonly plateDiameterCm: number
}

export interface PublicMenu {
  readonly tenant: { readonly slug: string; readonly name: string }
  readonly menus: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly description: string | null
    readonly categories: ReadonlyArray<{ readonly id: string; readonly name: string; readonly dishes: readonly PublicDish[] }>
  }>
  readonly uncategorised: readonly PublicDish[]
}

interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

type DishChange = Partial<Pick<Dish, 'name' | 'description' | 'price' | 'categoryId' | 'allergens' | 'plateDiameterCm' | 'visible'>>
type MenuChange = Partial<Pick<Menu, 'name' | 'description' | 'visible'>> & {
  readonly categories?: ReadonlyArray<{ readonly id?: string; readonly name: string }>
}
interface OnId {
  readonly params: { readonly id: string }
}

export interface MenuCalls {
  'GET /api/v1/dishes': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly categoryId?: string }
    readonly answer: Page<Dish>
  }
  'POST /api/v1/dishes': { readonly body: DishChange & Pick<Dish, 'name' | 'price'>; readonly answer: Dish }
  'PUT /api/v1/dishes/order': {
    readonly body: { readonly ids: readonly string[] }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly position: number }> }
  }
  'GET /api/v1/dishes/{id}': OnId & { readonly answer: Dish }
  'PATCH /api/v1/dishes/{id}': OnId & { readonly body: DishChange; readonly answer: Dish }
  'DELETE /api/v1/dishes/{id}': OnId & { readonly answer: undefined }
  'DELETE /api/v1/dishes/{id}/photo': OnId & { readonly answer: undefined }
  'PATCH /api/v1/dishes/{id}/model': OnId & {
    readonly body: { readonly crop: Crop } | { readonly plate: Ellipse } | null
    readonly answer: Dish
  }
  'POST /api/v1/dishes/{id}/model/retry': OnId & { readonly answer: Dish }
  'POST /api/v1/dishes/{id}/model/cancel': OnId & { readonly answer: Dish }
  'GET /api/v1/menus': { readonly query?: { readonly limit?: number; readonly cursor?: string }; readonly answer: Page<Menu> }
  'POST /api/v1/menus': { readonly body: MenuChange & Pick<Menu, 'name'>; readonly answer: Menu }
  'PATCH /api/v1/menus/{id}': OnId & { readonly body: MenuChange; readonly answer: Menu }
  'DELETE /api/v1/menus/{id}': OnId & { readonly answer: undefined }
  'GET /api/v1/public/menu': { readonly query?: { readonly tenant?: string }; readonly answer: PublicMenu }
}
