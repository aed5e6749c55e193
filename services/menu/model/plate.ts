import { type Ellipse, fitEllipse, type Point, pointIn, radiusIn } from './ellipse.ts'
import type { Lab } from './lab.ts'
import { boxBlur, type Plane, planeOf, sample } from './raster.ts'
import { evennessOf, type Plate, type PlateFit, rimAmong, score } from './rim.ts'

/** How fast the colour changes at a pixel, and towards where. */
interface Edges {
  readonly strength: Plane
  readonly x: Plane
  readonly y: Plane
}

const rays = 96
const peaksPerRay = 5
const rounds = 2500
const outline = 120
/** Of L* per pixel: what changes less is noise, of which a smooth background is full and shows any outline. */
const faintest = 0.5

/** Di Zenzo's gradient of several channels is the largest of their gradients but for ties: the channel that changes most decides. */
export function edgesOf({ L, a, b }: Lab): Edges {
  const { width, height } = L
  const [strength, gx, gy] = [planeOf(L), planeOf(L), planeOf(L)]
  for (const { data } of [L, a, b].map((plane) => boxBlur(plane, 1))) {
    const at = (index: number) => data[index] ?? 0
    for (let y = 1; y < height - 1; y++) {
      for (let index = y * width + 1; index < (y + 1) * width - 1; index++) {
        const above = index - width
        const below = index + width
        const dx = (at(above + 1) - at(above - 1) + 2 * (at(index + 1) - at(index - 1)) + at(below + 1) - at(below - 1)) / 8
        const dy = (at(below - 1) - at(above - 1) + 2 * (at(below) - at(above)) + at(below + 1) - at(above + 1)) / 8
        const size = Math.sqrt(dx * dx + dy * dy)
        if (size <= (strength.data[index] ?? 0)) continue
        strength.data[index] = size
        gx.data[index] = dx
        gy.data[index] = dy
      }
    }
  }
  return { strength, x: gx, y: gy }
}

export interface Clues {
  readonly centres: readonly Point[]
  /** Outlines that somebody else has seen; they have to be seen here, too. */
  readonly hints: readonly Ellipse[]
}

/** The ellipse that most of an outline speaks for, among those around the given centres and the hints; null if there is none. */
export function findPlate(lab: Lab, { centres, hints }: Clues): Plate | null {
  const edges = edgesOf(lab)
  const threshold = Math.max(quantile(edges.strength, 0.7), faintest)
  const found: PlateFit[] = []
  const chance = generator(1)
  for (const centre of centres) {
    const peaks = peaksAround(edges, centre, threshold)
    for (let round = 0; round < rounds; round++) {
      const chosen = choose(peaks, chance)
      const ellipse = chosen === null ? null : fitEllipse(chosen)
      if (ellipse === null || !plausible(ellipse, lab.L)) continue
      const glance = supportOf(ellipse, { edges, threshold, samples: 24 })
      const support = glance < 0.5 ? 0 : supportOf(ellipse, { edges, threshold })
      if (support > 0.35) found.push({ ellipse, support, evenness: 0 })
    }
  }
  const unseen = hints.map((ellipse) => ({ ellipse, support: 0, evenness: 0 }))
  const fits = [...promising(found, lab), ...unseen].map((fit) => refined(fit, { lab, edges, threshold }))
  return rimAmong(fits, { lab, support: (ellipse, behind) => supportOf(ellipse, { edges, threshold, behind }) })
}

/** Those that are seen about as well as the best, and the best of what is much the same. */
function promising(found: readonly PlateFit[], lab: Lab): PlateFit[] {
  const most = found.reduce((highest, { support }) => Math.max(highest, support), 0)
  const seen = found.filter(({ support }) => support > most - 0.3).map((fit) => ({ ...fit, evenness: evennessOf(fit.ellipse, lab) }))
  const kept: PlateFit[] = []
  for (const fit of seen.toSorted((one, other) => score(other) - score(one))) {
    if (kept.length === 12) break
    if (!kept.some(({ ellipse }) => isAlike(ellipse, fit.ellipse))) kept.push(fit)
  }
  return kept
}

function isAlike(one: Ellipse, other: Ellipse): boolean {
  const near = Math.max(3, one.a * 0.03)
  return Math.hypot(one.x - other.x, one.y - other.y) < near && Math.abs(one.a - other.a) < near && Math.abs(one.b - other.b) < near
}

function plausible({ x, y, a, b }: Ellipse, { width, height }: Plane): boolean {
  const size = Math.min(width, height)
  const inside = x > 0 && y > 0 && x < width && y < height
  return inside && b > size * 0.08 && a < size * 1.1 && b / a > 0.3
}

interface Peaks {
  readonly byStrength: readonly Point[]
  readonly fromOutside: readonly Point[]
}

/** Local maxima along rays, the strongest of each. */
function peaksAround({ strength, x, y }: Edges, centre: Point, threshold: number): Peaks[] {
  const { width, height } = strength
  const reach = Math.hypot(width, height)
  return Array.from({ length: rays }, (_, ray) => {
    const [dx, dy] = [Math.cos((ray / rays) * 2 * Math.PI), Math.sin((ray / rays) * 2 * Math.PI)]
    const peaks: { point: Point; strength: number }[] = []
    const at = (step: number) => ({ x: centre.x + dx * step, y: centre.y + dy * step })
    for (let step = 6; step < reach; step++) {
      const point = at(step)
      if (point.x < 1 || point.y < 1 || point.x > width - 2 || point.y > height - 2) break
      const here = sample(strength, point.x, point.y)
      const [before, after] = [at(step - 1), at(step + 1)]
      if (here < threshold || here < sample(strength, before.x, before.y) || here <= sample(strength, after.x, after.y)) continue
      const across = Math.abs(sample(x, point.x, point.y) * dx + sample(y, point.x, point.y) * dy) / here
      if (across > 0.5) peaks.push({ point, strength: here })
    }
    const byStrength = peaks.toSorted((one, other) => other.strength - one.strength).slice(0, peaksPerRay)
    const fromOutside = peaks.filter((peak) => byStrength.includes(peak)).toReversed()
    return { byStrength: byStrength.map(({ point }) => point), fromOutside: fromOutside.map(({ point }) => point) }
  })
}

/**
 * Five points from rays that lie well apart. Those of one edge are the same in the order of strength, or from outside in, on most rays:
 * to draw each of them by itself would need a thousand times as many rounds.
 */
function choose(peaks: readonly Peaks[], chance: () => number): Point[] | null {
  const first = Math.floor(chance() * rays)
  const order = chance() < 0.5 ? 'byStrength' : 'fromOutside'
  const rank = Math.floor(chance() * peaksPerRay)
  const points: Point[] = []
  for (let k = 0; k < 5; k++) {
    const ray = peaks[(first + Math.round(((k + chance() * 0.8) * rays) / 5)) % rays]?.[order] ?? []
    const point = ray[chance() < 0.85 ? rank : Math.floor(chance() * ray.length)]
    if (point === undefined) return null
    points.push(point)
  }
  return points
}

interface Seen {
  readonly edges: Edges
  /** Strength from which on it is an edge. */
  readonly threshold: number
  readonly samples?: number
  /** What stands in front of it: the outline cannot be seen there. */
  readonly behind?: Ellipse
}

export function supportOf(ellipse: Ellipse, { edges, threshold, samples = outline, behind }: Seen): number {
  const turns = Array.from({ length: samples }, (_, k) => (k / samples) * 2 * Math.PI)
  const hidden = (turn: number) => behind !== undefined && radiusIn(behind, pointIn(ellipse, Math.cos(turn), Math.sin(turn))) < 1.05
  const open = turns.filter((turn) => !hidden(turn))
  return open.filter((turn) => edgeNear(ellipse, turn, { edges, threshold, reach: 1 }) !== null).length / Math.max(open.length, 1)
}

/** The strongest edge in the direction of the outline within so many pixels of it. */
function edgeNear(
  ellipse: Ellipse,
  turn: number,
  { edges, threshold, reach }: { edges: Edges; threshold: number; reach: number },
): Point | null {
  const u = Math.cos(turn)
  const v = Math.sin(turn)
  const point = pointIn(ellipse, u, v)
  const normal = normalIn(ellipse, u, v)
  const { width, height } = edges.strength
  let best = -1
  let most = threshold
  for (let step = -reach; step <= reach; step += 0.5) {
    const x = point.x + normal.x * step
    const y = point.y + normal.y * step
    if (x < 1 || y < 1 || x > width - 2 || y > height - 2) continue
    const strength = sample(edges.strength, x, y)
    if (strength <= most) continue
    const along = Math.abs(sample(edges.x, x, y) * normal.x + sample(edges.y, x, y) * normal.y) / strength
    if (along <= 0.85) continue
    best = step
    most = strength
  }
  return most === threshold ? null : { x: point.x + normal.x * best, y: point.y + normal.y * best }
}

/** Of the outline at (u, v) of the unit circle. */
function normalIn({ a, b, angle }: Ellipse, u: number, v: number): Point {
  const cos = Math.cos(angle)
  const sin = Math.sin(angle)
  const nx = u / a
  const ny = v / b
  const length = Math.sqrt(nx * nx + ny * ny)
  return { x: (nx * cos - ny * sin) / length, y: (nx * sin + ny * cos) / length }
}

/** Least squares on the edges next to the outline, ever closer. */
function refined(fit: PlateFit, { lab, edges, threshold }: { lab: Lab; edges: Edges; threshold: number }): PlateFit {
  let best = fit
  for (const reach of fit.support === 0 ? [12, 8, 4, 3, 2] : [4, 3, 2]) {
    const points: Point[] = []
    for (let k = 0; k < outline * 2; k++) {
      const point = edgeNear(best.ellipse, (k / outline) * Math.PI, { edges, threshold, reach })
      if (point !== null) points.push(point)
    }
    const ellipse = points.length < 24 ? null : fitEllipse(points)
    if (ellipse === null) continue
    const next = { ellipse, support: supportOf(ellipse, { edges, threshold }), evenness: evennessOf(ellipse, lab) }
    if (plausible(next.ellipse, lab.L) && next.support * next.evenness >= best.support * best.evenness - 0.02) best = next
  }
  return best
}

export function quantile({ data }: Plane, share: number): number {
  return Float32Array.from(data).sort()[Math.floor(data.length * share)] ?? 0
}

/** Mulberry32: the same photo must give the same model. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
