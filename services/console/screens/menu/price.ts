import type { Allergen, Price } from '../../api/calls.ts'

export function priceText({ amount, currency }: Price): string {
  return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount / 10 ** digitsOf(currency))
}

/** Digits of the minor unit by ISO 4217: 2 of euros, none of yen, 3 of Kuwaiti dinars. */
function digitsOf(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
}

/** As people write it: `12.50`. */
export function amountText({ amount, currency }: Price): string {
  const digits = digitsOf(currency)
  return (amount / 10 ** digits).toFixed(digits)
}

/** `12.5` → 1250; people write commas too. Null: not an amount of this currency. */
export function minorUnits(text: string, currency: string): number | null {
  const [, whole, fraction = ''] = /^(\d{1,7})(?:[.,](\d+))?$/.exec(text.trim()) ?? []
  const digits = digitsOf(currency)
  if (whole === undefined || fraction.length > digits) return null
  return Number(whole + fraction.padEnd(digits, '0'))
}

/** All that the browser knows by name. */
export const currencies: readonly string[] = Intl.supportedValuesOf('currency')

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
