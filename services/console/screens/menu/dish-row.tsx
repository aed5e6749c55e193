import { ActionIcon, Badge, Group, Text } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconGripVertical } from '@tabler/icons-react'
import { type DragEvent, useState } from 'react'
import type { Dish } from '../../api/calls.ts'
import { AnchorLink } from '../../parts/anchor-link.tsx'
import { useBytesUrl } from '../../parts/use-bytes-url.ts'
import classes from './dish-list.module.css'
import { modelColour, modelText } from './model-words.ts'
import { priceText } from './price.ts'

interface DishRowProps {
  readonly dish: Dish
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly mayMove: boolean
  /** Something else is being dragged. */
  readonly isOver: boolean
  readonly onDrag: () => void
  readonly onDrop: () => void
  /** Also when it was let go elsewhere, or Escape was pressed. */
  readonly onDragEnd: () => void
  readonly onMove: (by: 1 | -1) => void
}

export function DishRow({ dish, isFirst, isLast, mayMove, isOver, onDrag, onDrop, onDragEnd, onMove }: DishRowProps) {
  const [over, setOver] = useState(false)
  const allow = (event: DragEvent) => {
    if (!isOver) return
    event.preventDefault()
    setOver(true)
  }
  return (
    <li
      className={classes.dish}
      draggable={mayMove}
      data-over={over && isOver}
      onDragStart={onDrag}
      onDragEnd={onDragEnd}
      onDragLeave={() => setOver(false)}
      onDragOver={allow}
      onDrop={() => {
        setOver(false)
        onDrop()
      }}
    >
      {mayMove && <IconGripVertical size={18} className={classes.handle} aria-hidden />}
      <Thumbnail dish={dish} />
      <div className={classes.text}>
        <AnchorLink to="/menu/$dish" params={{ dish: dish.id }} fw={600}>
          {dish.name}
        </AnchorLink>
        <Group gap="xs">
          <Text size="sm">{priceText(dish.price)}</Text>
          <Badge size="sm" variant="light" tt="none" color={modelColour(dish.model)}>
            {modelText(dish.model)}
          </Badge>
          {!dish.visible && (
            <Badge size="sm" variant="light" color="gray" tt="none">
              hidden
            </Badge>
          )}
        </Group>
      </div>
      <Group gap={4} wrap="nowrap">
        <ActionIcon variant="default" disabled={!mayMove || isFirst} onClick={() => onMove(-1)} aria-label={`Move ${dish.name} up`}>
          <IconArrowUp size={16} aria-hidden />
        </ActionIcon>
        <ActionIcon variant="default" disabled={!mayMove || isLast} onClick={() => onMove(1)} aria-label={`Move ${dish.name} down`}>
          <IconArrowDown size={16} aria-hidden />
        </ActionIcon>
      </Group>
    </li>
  )
}

function Thumbnail({ dish }: { readonly dish: Dish }) {
  const poster = dish.served === null ? null : `/api/v1/dishes/${dish.id}/poster.webp`
  const { url } = useBytesUrl(poster ?? dish.photo?.url ?? null, dish.served ?? dish.photo?.id ?? '')
  return url === null ? <span className={classes.photo} /> : <img src={url} alt="" className={classes.photo} />
}
