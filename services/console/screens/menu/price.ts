import type { Allergen, Price } from '../../api/menu-calls.ts'

export function priceText({ amount, currency }: Price): string {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency })
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

/** `12.5` → 1250; people write commas too. Null: not a price. */
export function minorUnits(text: string): number | null {
  const normal = text.trim().replace(',', '.')
  return /^\d{1,7}(\.\d{1,2})?$/.test(normal) ? Math.round(Number(normal) * 100) : null
}

export const allergens: readonly Allergen[] = [
  'gluten',
  'crustaceans',
  'eggs',
  'fish',
  'peanuts',
  'soybeans',
  'milk',
  'nuts',
  'celery',
  'mustard',
  'sesame',
  'sulphites',
  'lupin',
  'molluscs',
]
