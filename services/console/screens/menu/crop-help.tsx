import { Group, NumberInput, Stack, Text } from '@mantine/core'
import { type PointerEvent, useState } from 'react'
import type { Crop } from '../../api/calls.ts'
import { cropBetween, isUsable, type Point } from './crop.ts'
import classes from './dish-photo.module.css'
import type { HelpProps } from './model-help.tsx'
import { SendHelp } from './send-help.tsx'

const sides = [
  { name: 'x', label: 'Left %' },
  { name: 'y', label: 'Top %' },
  { name: 'width', label: 'Width %' },
  { name: 'height', label: 'Height %' },
] as const

/** A rectangle around the plate, drawn with the pointer or written as numbers. */
export function CropHelp({ dish, photoUrl, onDone }: HelpProps) {
  const help = dish.model?.help
  const [crop, setCrop] = useState<Crop>(help && 'crop' in help ? help.crop : { x: 0.1, y: 0.1, width: 0.8, height: 0.8 })
  const [from, setFrom] = useState<Point | null>(null)
  const begin = (event: PointerEvent<HTMLElement>) => {
    // Else a pointer that is let go outside of the photo would draw on when it comes back.
    event.currentTarget.setPointerCapture(event.pointerId)
    setFrom(pointOf(event))
  }
  return (
    <Stack maw={520}>
      <Text size="sm">Draw a rectangle around the plate.</Text>
      <div
        className={classes.frame}
        onPointerDown={begin}
        onPointerMove={(event) => from && setCrop(cropBetween(from, pointOf(event)))}
        onPointerUp={() => setFrom(null)}
        onPointerCancel={() => setFrom(null)}
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
      <SendHelp dish={dish} help={{ crop }} label="Make it from this part" isUsable={isUsable(crop)} onDone={onDone} />
    </Stack>
  )
}

/** In parts of the photo. */
function pointOf(event: PointerEvent<HTMLElement>): Point {
  const { left, top, width, height } = event.currentTarget.getBoundingClientRect()
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height }
}
