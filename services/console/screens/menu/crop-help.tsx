import { Button, Group, NumberInput, Stack, Text } from '@mantine/core'
import { type PointerEvent, useState } from 'react'
import type { Crop, Dish } from '../../api/menu-calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange } from '../../api/use-api.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { cropBetween, isUsable, type Point } from './crop.ts'
import classes from './dish-photo.module.css'

interface CropHelpProps {
  readonly dish: Dish
  readonly photoUrl: string
  readonly onDone: () => void
}

const sides = [
  { name: 'x', label: 'Left %' },
  { name: 'y', label: 'Top %' },
  { name: 'width', label: 'Width %' },
  { name: 'height', label: 'Height %' },
] as const

/** A rectangle around the plate, drawn with the pointer or written as numbers. */
export function CropHelp({ dish, photoUrl, onDone }: CropHelpProps) {
  const [crop, setCrop] = useState<Crop>(dish.model?.help?.crop ?? { x: 0.1, y: 0.1, width: 0.8, height: 0.8 })
  const [from, setFrom] = useState<Point | null>(null)
  const send = useChange(() => api.call('PATCH /api/v1/dishes/{id}/model', { params: { id: dish.id }, body: { crop } }), ['/api/v1/dishes'])
  return (
    <Stack maw={520}>
      <Text size="sm">Draw a rectangle around the plate.</Text>
      <div
        className={classes.frame}
        onPointerDown={(event) => setFrom(pointOf(event))}
        onPointerMove={(event) => from && setCrop(cropBetween(from, pointOf(event)))}
        onPointerUp={() => setFrom(null)}
      >
        <img src={photoUrl} alt="" draggable={false} className={classes.photo} />
        <div
          className={classes.crop}
          style={{ left: `${crop.x * 100}%`, top: `${crop.y * 100}%`, width: `${crop.width * 100}%`, height: `${crop.height * 100}%` }}
        />
      </div>
      <Group grow>
        {sides.map(({ name, label }) => (
          <NumberInput
            key={name}
            label={label}
            min={0}
            max={100}
            value={Math.round(crop[name] * 100)}
            onChange={(value) => setCrop({ ...crop, [name]: Number(value) / 100 })}
          />
        ))}
      </Group>
      {send.error && <ProblemAlert error={send.error} />}
      <Group>
        <Button loading={send.isPending} disabled={!isUsable(crop)} onClick={() => send.mutate(undefined, { onSuccess: onDone })}>
          Make it from this part
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </Group>
    </Stack>
  )
}

/** In parts of the photo. */
function pointOf(event: PointerEvent<HTMLElement>): Point {
  const { left, top, width, height } = event.currentTarget.getBoundingClientRect()
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height }
}
