import { areaOf, type Ellipse, pointIn, radiusIn } from './ellipse.ts'
import type { Lab } from './lab.ts'
import { sample } from './raster.ts'

export interface PlateFit {
  readonly ellipse: Ellipse
  /** Share of the outline along which there is an edge in its direction: 0 to 1. */
  readonly support: number
  /** Share of the ring inside the outline that has the colour of most of it: where the outline runs along a shadow, it does not. */
  readonly evenness: number
}

export interface Plate extends PlateFit {
  /** 0 to 1. */
  readonly confidence: number
}

const steps = 120
/** The rim of a plate is at least a tenth wider than its well; what is less wide than that is the same edge with its shadow. */
const wider = 1.25
/** Two colours of one plate, in the light and in the shadow of its rim. */
const sameColour = 14
/** Outlines that are none are seen along half of their length by chance. */
const wellSeen = 0.8

const believed = ({ support, evenness }: PlateFit) => support * evenness

/** A plate has more than one edge, the rim and the well: the rim is the larger one. */
export const score = (fit: PlateFit): number => believed(fit) * areaOf(fit.ellipse) ** 0.12

interface Photo {
  readonly lab: Lab
  /** Share of the outline that is seen where it is not behind the other one. */
  readonly support: (ellipse: Ellipse, behind: Ellipse) => number
}

/**
 * The best of the outlines, or the rim around it if that is a well. One that stands in front of a larger outline is not believed:
 * it is that of a cup on its saucer.
 */
export function rimAmong(fits: readonly PlateFit[], { lab, support }: Photo): Plate | null {
  const best = bestOf(fits)
  if (best === null) return null
  const found = bestOf(largerThan(best, fits).filter((fit) => isRimOf(best, fit, lab))) ?? best
  const others = largerThan(found, fits).filter((fit) => standsOn(found.ellipse, fit.ellipse))
  const below = Math.max(0, ...others.map(({ ellipse }) => support(ellipse, found.ellipse)))
  return { ...found, confidence: believed(found) * (below < wellSeen ? 1 : 1 - below) }
}

/** Of the same plate, around all of the well, and not much worse seen. */
function isRimOf(well: PlateFit, fit: PlateFit, lab: Lab): boolean {
  const alike = difference(ringOf(fit.ellipse, lab).median, ringOf(well.ellipse, lab).median) < sameColour
  return alike && outside(well.ellipse, fit.ellipse) === 0 && believed(fit) > 0.85 * believed(well)
}

function bestOf(fits: readonly PlateFit[]): PlateFit | null {
  return fits.reduce<PlateFit | null>((best, fit) => (best === null || score(fit) > score(best) ? fit : best), null)
}

function largerThan({ ellipse }: PlateFit, fits: readonly PlateFit[]): PlateFit[] {
  return fits.filter((fit) => areaOf(fit.ellipse) > wider * areaOf(ellipse))
}

/** Share of the one outline that lies outside of the other. */
function outside(one: Ellipse, other: Ellipse): number {
  return turns.filter((turn) => radiusIn(other, pointIn(one, Math.cos(turn), Math.sin(turn))) > 1).length / steps
}

/** What stands on a plate is nearer to the camera: it reaches over the far edge of the plate. What lies on it stays within. */
function standsOn(one: Ellipse, other: Ellipse): boolean {
  const share = outside(one, other)
  return share > 0.05 && share < 0.5
}

type Colour = readonly [L: number, a: number, b: number]
const turns = Array.from({ length: steps }, (_, k) => (k / steps) * 2 * Math.PI)

/** Light and shadow change the brightness of one colour more than its hue. */
const difference = (one: Colour, other: Colour) => Math.hypot(0.6 * (one[0] - other[0]), one[1] - other[1], one[2] - other[2])

/** The colours just inside the outline. */
function ringOf(ellipse: Ellipse, { L, a, b }: Lab): { colours: readonly Colour[]; median: Colour } {
  const colours = turns.map((turn): Colour => {
    const { x, y } = pointIn(ellipse, 0.95 * Math.cos(turn), 0.95 * Math.sin(turn))
    return [sample(L, x, y), sample(a, x, y), sample(b, x, y)]
  })
  const median = (channel: 0 | 1 | 2) => colours.map((colour) => colour[channel]).toSorted((p, q) => p - q)[steps / 2] ?? 0
  return { colours, median: [median(0), median(1), median(2)] }
}

export function evennessOf(ellipse: Ellipse, lab: Lab): number {
  const { colours, median } = ringOf(ellipse, lab)
  return colours.reduce((sum, colour) => sum + 1 / (1 + (difference(colour, median) / 8) ** 2), 0) / steps
}
