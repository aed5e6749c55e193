import { drawn, type Ellipse, momentEllipse, overlap } from './ellipse.ts'
import type { Lab } from './lab.ts'
import type { Dish } from './mesh.ts'
import { findPlate } from './plate.ts'
import { type Mask, maskOf } from './raster.ts'
import { coverage, foodOnPlate, reliefOf } from './relief.ts'
import { foregroundOf } from './segment.ts'

export type Method = 'plate' | 'relief'

/** From this confidence on a plate that was found is believed. Of the outlines that are none, the best reach two thirds. */
export const confidenceGate = 0.8

/** What the photo shows, in pixels of the picture that was analysed. */
export interface Found {
  readonly method: Method
  /** 0 to 1. */
  readonly confidence: number
  readonly outline: Ellipse
  /** Only without a plate: what stands out from the table. */
  readonly foreground: Mask
  readonly warnings: readonly string[]
}

export interface Outlines {
  /** Of a person, who is believed. */
  readonly drawn?: Ellipse | null
  /** Of a provider, which is believed if the photo shows it. */
  readonly hint?: Ellipse | null
}

export function findDish(lab: Lab, { drawn: drawnPlate = null, hint = null }: Outlines = {}): Found {
  const nothing = maskOf(lab.L)
  if (drawnPlate !== null) return { method: 'plate', confidence: 1, outline: drawnPlate, foreground: nothing, warnings: [] }
  const foreground = foregroundOf(lab)
  const moments = momentEllipse(foreground)
  const middle = { x: lab.L.width / 2, y: lab.L.height / 2 }
  const centres = moments === null ? [middle] : [moments, middle]
  const fit = findPlate(lab, { centres, hints: hint === null ? [] : [hint] })
  const confidence = fit?.confidence ?? 0
  if (fit !== null && confidence >= confidenceGate)
    return { method: 'plate', confidence, outline: fit.ellipse, foreground: nothing, warnings: [] }
  return { method: 'relief', foreground, ...withoutPlate(lab, { foreground, moments, confidence }) }
}

interface NoPlate {
  readonly foreground: Mask
  readonly moments: Ellipse | null
  readonly confidence: number
}

/** Half of the confidence can come from what stands out being round: it never reaches the gate. */
function withoutPlate({ L }: Lab, { foreground, moments, confidence }: NoPlate): Pick<Found, 'confidence' | 'outline' | 'warnings'> {
  if (moments === null) {
    const whole = { x: L.width / 2, y: L.height / 2, a: L.width * 0.45, b: L.height * 0.45, angle: 0 }
    const outline = whole.a >= whole.b ? whole : { ...whole, a: whole.b, b: whole.a, angle: Math.PI / 2 }
    return { confidence: 0, outline, warnings: ['nothing stands out from the table: the whole photo was taken'] }
  }
  const round = overlap(foreground, drawn(moments, L))
  return {
    confidence: Math.min(confidence, 0.5) * 0.5 + round * 0.25,
    outline: { ...moments, a: moments.a * 1.15, b: moments.b * 1.15 },
    warnings: ['no round plate was found: draw it or crop the photo'],
  }
}

/** A plate full to its rim has no colour of its own to tell food from: then it stays flat. */
const mostCoverage = 0.95

export function dishOf(lab: Lab, { method, outline: ellipse, foreground }: Found, diameterMetres: number): Dish {
  if (method === 'relief') return { ellipse, relief: reliefOf(lab, foreground, ellipse), tilt: 0, diameterMetres, shape: 'slab' }
  const food = foodOnPlate(lab, ellipse)
  const relief = reliefOf(lab, coverage(food, ellipse) > mostCoverage ? maskOf(lab.L) : food, ellipse)
  return { ellipse, relief, tilt: tiltOf(ellipse), diameterMetres, shape: 'plate' }
}

/** Radians of the camera against the vertical: a circle that is seen from far away is as narrow as the cosine. */
export function tiltOf({ a, b }: Ellipse): number {
  return Math.acos(Math.min(b / a, 1))
}
