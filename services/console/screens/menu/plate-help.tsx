import { Group, NumberInput, Stack, Text } from '@mantine/core'
import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react'
import type { Dish, Ellipse } from '../../api/calls.ts'
import classes from './dish-photo.module.css'
import type { HelpProps } from './model-help.tsx'
import { dragged, firstPlate, type Handle, handlesOf, nudged } from './plate.ts'
import { SendHelp } from './send-help.tsx'

const handles: readonly (readonly [handle: Handle, label: string])[] = [
  ['centre', 'Centre of the plate'],
  ['long', 'First axis'],
  ['short', 'Second axis'],
  ['turn', 'Rotation'],
]

/** The rim of the plate as an ellipse, drawn by its handles with the pointer or the arrow keys, or written as numbers. */
export function PlateHelp({ dish, photoUrl, onDone }: HelpProps) {
  const height = heightOf(dish)
  const help = dish.model?.help
  const [plate, setPlate] = useState<Ellipse>(() =>
    firstPlate(help && 'plate' in help ? help.plate : undefined, dish.model?.result?.outline, height),
  )
  return (
    <Stack maw={520}>
      <Text size="sm" id="plate-keys">
        Lay the line on the rim of the plate: drag its handles, or move them with the arrow keys (with Shift in larger steps).
      </Text>
      <PlateFrame plate={plate} height={height} photoUrl={photoUrl} onChange={setPlate} />
      <PlateNumbers plate={plate} height={height} onChange={setPlate} />
      <SendHelp dish={dish} help={{ plate }} label="Make it from this rim" isUsable onDone={onDone} />
    </Stack>
  )
}

/** In parts of the photo's width. */
function heightOf({ photo }: Dish): number {
  return photo ? photo.height / photo.width : 1
}

interface PlateProps {
  readonly plate: Ellipse
  readonly height: number
  readonly onChange: (plate: Ellipse) => void
}

function PlateFrame({ plate, height, photoUrl, onChange }: PlateProps & { readonly photoUrl: string }) {
  const frame = useRef<HTMLDivElement>(null)
  const places = handlesOf(plate)
  const drag = (handle: Handle) => (event: PointerEvent<HTMLElement>) => {
    if (!frame.current || !event.currentTarget.hasPointerCapture(event.pointerId)) return
    const { left, top, width } = frame.current.getBoundingClientRect()
    onChange(dragged(plate, handle, { to: { x: (event.clientX - left) / width, y: (event.clientY - top) / width }, height }))
  }
  const press = (handle: Handle) => (event: KeyboardEvent) => {
    const next = nudged(plate, handle, { key: event.key, fast: event.shiftKey, height })
    if (!next) return
    event.preventDefault()
    onChange(next)
  }
  return (
    <div className={classes.plateFrame} ref={frame}>
      <img src={photoUrl} alt="" draggable={false} className={classes.photo} />
      <Outline plate={plate} height={height} />
      {handles.map(([handle, label]) => (
        <button
          key={handle}
          type="button"
          className={classes.handle}
          data-handle={handle}
          aria-label={label}
          aria-describedby="plate-keys"
          style={{ left: share(places[handle].x), top: share(places[handle].y / height) }}
          onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
          onPointerMove={drag(handle)}
          onKeyDown={press(handle)}
        />
      ))}
    </div>
  )
}

/** Handles that lie outside of the photo are shown at its edge, where they can be reached. */
function share(part: number): string {
  return `${Math.min(1, Math.max(0, part)) * 100}%`
}

function Outline({ plate: { x, y, a, b, angle }, height }: Pick<PlateProps, 'plate' | 'height'>) {
  const shape = { cx: x, cy: y, rx: a, ry: b, transform: `rotate(${degrees(angle)} ${x} ${y})` }
  return (
    <svg viewBox={`0 0 1 ${height}`} className={classes.outline} aria-hidden="true">
      <ellipse {...shape} className={classes.rimShade} />
      <ellipse {...shape} className={classes.rim} />
    </svg>
  )
}

function PlateNumbers({ plate, height, onChange }: PlateProps) {
  const { x, y, a, b, angle } = plate
  const fields: readonly (readonly [label: string, value: number, change: (value: number) => Partial<Ellipse>])[] = [
    ['Centre from the left %', x * 100, (value) => ({ x: value / 100 })],
    ['Centre from the top %', (y / height) * 100, (value) => ({ y: (value / 100) * height })],
    ['First half axis %', a * 100, (value) => ({ a: Math.max(0.02, value / 100) })],
    ['Second half axis %', b * 100, (value) => ({ b: Math.max(0.02, value / 100) })],
  ]
  return (
    <Group grow align="flex-end">
      {fields.map(([label, value, change]) => (
        <NumberInput
          key={label}
          label={label}
          min={0}
          max={100}
          value={rounded(value)}
          onChange={(next) => typeof next === 'number' && onChange({ ...plate, ...change(next) })}
        />
      ))}
      <NumberInput
        label="Turned by °"
        min={-90}
        max={90}
        value={rounded(degrees(angle))}
        onChange={(next) => typeof next === 'number' && onChange({ ...plate, angle: (next * Math.PI) / 180 })}
      />
    </Group>
  )
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI
}
