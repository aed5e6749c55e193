import { isProblem } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { DishView } from '../domain/dish-view.ts'
import { CropBody, Dish, dishBody, expectation, Menu, menuBody, PlateBody, Price, PriceChange } from './representation.ts'

const at = new Date('2026-11-21T09:30:00.000Z')
const id = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b21'
const dish: DishView['dish'] = {
  id,
  tenantId: id,
  name: 'Soup',
  description: null,
  priceAmount: 500,
  priceCurrency: 'EUR',
  categoryId: null,
  allergens: ['milk'],
  plateDiameterCm: 26,
  position: 3,
  visible: true,
  photoId: null,
  shownPhotoId: null,
  modelId: null,
  servedId: null,
  version: 7,
  createdAt: at,
  updatedAt: at,
}
const bodyOf = (change: Partial<DishView['dish']> = {}) => dishBody({ dish: { ...dish, ...change }, photo: null, model: null })
const menu = { id, tenantId: id, name: 'Lunch', description: null, position: 0, visible: true, version: 2, createdAt: at, updatedAt: at }

describe('the tag of a dish', () => {
  it('is the same for the same bytes and another one for all others, within one version too', () => {
    const tags = [bodyOf(), bodyOf({ position: 4 }), bodyOf({ servedId: id }), bodyOf({ version: 8 }), bodyOf({ categoryId: id })]
    expect(new Set(tags.map(({ etag }) => etag)).size).toBe(tags.length)
    expect(bodyOf().etag).toBe(bodyOf().etag)
    for (const { etag } of tags) expect(etag).toMatch(/^"\d+\.[\w-]{16}"$/)
  })

  it('does not tell of what is not shown', () => {
    expect(bodyOf({ photoId: id, shownPhotoId: id, modelId: id })).toEqual(bodyOf())
    expect(Dish.parse(bodyOf())).toEqual(bodyOf())
  })
})

describe('the tag of a menu', () => {
  it('is another one at another place, and with other categories', () => {
    const category = { id, tenantId: id, menuId: id, name: 'Mains', position: 0 }
    const bodies = [
      menuBody({ menu, categories: [] }),
      menuBody({ menu: { ...menu, position: 1 }, categories: [] }),
      menuBody({ menu, categories: [category] }),
    ]
    expect(new Set(bodies.map(({ etag }) => etag)).size).toBe(3)
    for (const body of bodies) expect(Menu.parse(body)).toEqual(body)
  })
})

describe('If-Match', () => {
  const refused = (sent: string | undefined, version = 7) => {
    try {
      expectation({ headers: sent === undefined ? {} : { 'if-match': sent } })({ version })
      return null
    } catch (error) {
      return isProblem(error) ? error.code : error
    }
  }

  it.each([undefined, '*', '"7"', '"7.kT4mJc0q9ZsX2b7L"', '"7.otherwise_shown-0"', '"6.a", "7.b"'])('lets %s change version 7', (sent) => {
    expect(refused(sent)).toBeNull()
  })

  it.each(['"6.kT4mJc0q9ZsX2b7L"', '"77.a"', '"17.a"', 'W/"7.a"', '"7."', '"7.a.b"', '7', '""', '"07.a"', '"x7.a"'])(
    'does not let %s change version 7',
    (sent) => expect(refused(sent)).toBe('precondition.failed'),
  )
})

describe('a price', () => {
  const takes = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success

  it.each(['EUR', 'CHF', 'JPY', 'KWD', 'USD'])('may be in %s', (currency) => expect(takes(Price, { amount: 1, currency })).toBe(true))

  it.each(['', 'EU', 'EURO', 'eur', 'XYZ', '€', 'ＥＵＲ', null, 978])('may not be in %s', (currency) => {
    expect([takes(Price, { amount: 1, currency }), takes(PriceChange, { currency })]).toEqual([false, false])
  })

  it.each([-1, 0.5, 2 ** 31, Number.NaN, Infinity, '1', null, [1]])('may not be %s', (amount) => {
    expect([takes(Price, { amount }), takes(PriceChange, { amount })]).toEqual([false, false])
  })

  it('is euros unless it says otherwise, and changes into none unless it says so', () => {
    expect(Price.parse({ amount: 2 ** 31 - 1 })).toEqual({ amount: 2 ** 31 - 1, currency: 'EUR' })
    expect(PriceChange.parse({ amount: 0 })).toEqual({ amount: 0 })
    expect(PriceChange.parse({})).toEqual({})
  })
})

describe('help', () => {
  const crop = { x: 0.1, y: 0.1, width: 0.9, height: 0.9 }
  const plate = { x: 0.5, y: 0.4, a: 0.3, b: 0.2, angle: 0 }

  it('may go to the very edge, whatever floating point makes of the sum', () => {
    expect(CropBody.parse(crop)).toEqual(crop)
    expect(CropBody.safeParse({ x: 0.7, y: 0.3, width: 0.3, height: 0.7 }).success).toBe(true)
    expect(PlateBody.parse(plate)).toEqual(plate)
  })

  it.each([{ x: 0.2 }, { y: -0.1 }, { width: 0.01 }, { height: 1.1 }, { width: Number.NaN }, { z: 1 }])('is no crop with %o', (change) => {
    expect(CropBody.safeParse({ ...crop, ...change }).success).toBe(false)
  })

  it.each([{ a: 0 }, { b: -1 }, { a: Infinity }, { angle: 8 }, { y: 21 }, { x: '0.5' }, { c: 1 }])('is no plate with %o', (change) => {
    expect(PlateBody.safeParse({ ...plate, ...change }).success).toBe(false)
  })
})
