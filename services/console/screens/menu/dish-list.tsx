import { Button } from '@mantine/core'
import { ApiProblem } from '@slipway/client'
import { useState } from 'react'
import type { Dish } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList, useMay } from '../../api/use-api.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tellProblem } from '../../parts/tell.tsx'
import classes from './dish-list.module.css'
import { DishRow } from './dish-row.tsx'
import { isMaking } from './model-words.ts'

export function DishList({ onAdd }: { readonly onAdd: () => void }) {
  const [making, setMaking] = useState(false)
  const dishes = useList('GET /api/v1/dishes', {}, { every: making && 2000 })
  const mayWrite = useMay('member')
  const anyMaking = dishes.data?.some(({ model }) => model !== null && isMaking(model)) ?? false
  if (anyMaking !== making) setMaking(anyMaking)
  if (dishes.error instanceof ApiProblem && dishes.error.code === 'route.not-found') {
    return <Empty title="The menu service is not installed">Ask the operator of the platform to install services/menu.</Empty>
  }
  return (
    <Loaded query={dishes}>
      {(items) =>
        items.length === 0 ? (
          <Empty title="No dishes yet" action={mayWrite && <Button onClick={onAdd}>Add a first dish</Button>}>
            A dish has a name, a price and a photo. The photo becomes a 3D model that guests can turn.
          </Empty>
        ) : (
          <Ordered dishes={items} mayWrite={mayWrite} />
        )
      }
    </Loaded>
  )
}

interface OrderedProps {
  readonly dishes: readonly Dish[]
  readonly mayWrite: boolean
}

/** By dragging, and by buttons for keyboards and phones. The new order is shown at once and asked for again afterwards. */
function Ordered({ dishes, mayWrite }: OrderedProps) {
  const [dragged, setDragged] = useState<string | null>(null)
  const [order, setOrder] = useState<readonly string[] | null>(null)
  const save = useChange((ids: readonly string[]) => api.call('PUT /api/v1/dishes/order', { body: { ids } }), ['/api/v1/dishes'])
  const shown = order === null ? dishes : order.flatMap((id) => dishes.find((dish) => dish.id === id) ?? [])
  const moveTo = (id: string, place: number) => {
    const rest = shown.map((dish) => dish.id).filter((other) => other !== id)
    const next = rest.toSpliced(Math.max(0, place), 0, id)
    setOrder(next)
    save.mutate(next, { onError: tellProblem, onSettled: () => setOrder(null) })
  }
  return (
    <ol className={classes.list} aria-label="Dishes in order">
      {shown.map((dish, place) => (
        <DishRow
          key={dish.id}
          dish={dish}
          isFirst={place === 0}
          isLast={place === shown.length - 1}
          mayMove={mayWrite && !save.isPending}
          isOver={dragged !== null && dragged !== dish.id}
          onDrag={() => setDragged(dish.id)}
          onDrop={() => {
            if (dragged !== null && dragged !== dish.id) moveTo(dragged, place)
            setDragged(null)
          }}
          onDragEnd={() => setDragged(null)}
          onMove={(by) => moveTo(dish.id, place + by)}
        />
      ))}
    </ol>
  )
}
