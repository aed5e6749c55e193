import { Button, MultiSelect, NumberInput, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Allergen, Dish, Price } from '../../api/calls.ts'
import { useList } from '../../api/use-api.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { allergens, amountText, currencies, minorUnits } from './price.ts'

export interface DishValues {
  readonly name: string
  readonly description: string | null
  readonly price: Price
  readonly categoryId: string | null
  readonly allergens: readonly Allergen[]
  readonly plateDiameterCm: number
  readonly visible: boolean
}

interface DishFormProps {
  readonly dish?: Dish
  readonly action: string
  readonly busy: boolean
  readonly error: unknown
  readonly onSave: (values: DishValues) => void
}

export function DishForm({ dish, action, busy, error, onSave }: DishFormProps) {
  const [values, setValues] = useState<DishValues>(() => valuesOf(dish))
  const [price, setPrice] = useState(() => amountText(values.price))
  const { currency } = values.price
  const change = (part: Partial<DishValues>) => setValues({ ...values, ...part })
  const amount = minorUnits(price, currency)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (amount !== null) onSave({ ...values, price: { amount, currency } })
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          required
          maxLength={200}
          value={values.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <Textarea
          label="Description"
          autosize
          minRows={2}
          value={values.description ?? ''}
          onChange={(event) => change({ description: event.currentTarget.value || null })}
        />
        <PriceInput isPrice={amount !== null} currency={currency} value={price} onChange={setPrice} />
        <CurrencySelect value={currency} onChange={(next) => change({ price: { ...values.price, currency: next } })} />
        <CategorySelect value={values.categoryId} onChange={(categoryId) => change({ categoryId })} />
        <PlateFields values={values} onChange={change} />
        {error !== null && error !== undefined && <ProblemAlert error={error} />}
        <Button type="submit" loading={busy} disabled={amount === null}>
          {action}
        </Button>
      </Stack>
    </form>
  )
}

interface PlateFieldsProps {
  readonly values: DishValues
  readonly onChange: (part: Partial<DishValues>) => void
}

function PlateFields({ values, onChange }: PlateFieldsProps) {
  return (
    <>
      <MultiSelect
        label="Allergens"
        data={allergens}
        searchable
        comboboxProps={{ withinPortal: false }}
        value={[...values.allergens]}
        onChange={(chosen) => onChange({ allergens: chosen })}
      />
      <NumberInput
        label="Diameter of the plate in cm"
        description="Gives the model its true size"
        min={5}
        max={60}
        value={values.plateDiameterCm}
        onChange={(value) => onChange({ plateDiameterCm: Number(value) })}
      />
      <Switch
        label="On the public page"
        checked={values.visible}
        onChange={(event) => onChange({ visible: event.currentTarget.checked })}
      />
    </>
  )
}

interface CurrencySelectProps {
  readonly value: string
  readonly onChange: (currency: string) => void
}

function CurrencySelect({ value, onChange }: CurrencySelectProps) {
  return (
    <Select
      label="Currency"
      searchable
      allowDeselect={false}
      comboboxProps={{ withinPortal: false }}
      data={currencies}
      value={value}
      onChange={(next) => next !== null && onChange(next)}
    />
  )
}

interface PriceInputProps {
  readonly isPrice: boolean
  readonly currency: string
  readonly value: string
  readonly onChange: (text: string) => void
}

function PriceInput({ isPrice, currency, value, onChange }: PriceInputProps) {
  return (
    <TextInput
      label={`Price in ${currency}`}
      inputMode="decimal"
      required
      error={!isPrice && `Such as ${amountText({ amount: 1250, currency })}`}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

interface CategorySelectProps {
  readonly value: string | null
  readonly onChange: (id: string | null) => void
}

function CategorySelect({ value, onChange }: CategorySelectProps) {
  const menus = useList('GET /api/v1/menus')
  const data = (menus.data ?? []).map(({ name, categories }) => ({
    group: name,
    items: categories.map((one) => ({ value: one.id, label: one.name })),
  }))
  return (
    <Select
      label="Category"
      placeholder="None"
      clearable
      comboboxProps={{ withinPortal: false }}
      data={data}
      value={value}
      onChange={onChange}
    />
  )
}

function valuesOf(dish: Dish | undefined): DishValues {
  if (!dish) {
    return {
      name: '',
      description: null,
      price: { amount: 0, currency: 'EUR' },
      categoryId: null,
      allergens: [],
      plateDiameterCm: 26,
      visible: true,
    }
  }
  const { name, description, price, categoryId, allergens, plateDiameterCm, visible } = dish
  return { name, description, price, categoryId, allergens, plateDiameterCm, visible }
}
