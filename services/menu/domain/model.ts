import { createHash } from 'node:crypto'
import type { ProblemCode } from '@slipway/problem'
import { pipelineVersion } from '../model/make-model.ts'

export const steps = ['fetch', 'analyse', 'segment', 'height', 'mesh', 'optimise', 'validate', 'scan', 'store'] as const
export type Step = (typeof steps)[number]

/** Percent that is done when a step begins; optimising takes more than half of the time. */
const progressOf: Record<Step, number> = {
  fetch: 0,
  analyse: 15,
  segment: 20,
  height: 30,
  mesh: 35,
  optimise: 40,
  validate: 85,
  scan: 90,
  store: 97,
}

export function progressAt(step: Step): number {
  return progressOf[step]
}

export function isStep(name: string): name is Step {
  return Object.hasOwn(progressOf, name)
}

/** In shares of the photo. */
export interface Crop {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Centre and half axes in shares of the photo's width; the angle in radians. */
export interface Outline {
  readonly x: number
  readonly y: number
  readonly a: number
  readonly b: number
  readonly angle: number
}

/** What a person says about the photo: the part to look at, or where the plate is. */
export type Help = { readonly crop: Crop } | { readonly plate: Outline }

export interface ModelError {
  readonly code: ProblemCode
  readonly detail: string
  readonly traceId: string | null
}

export const outputs = ['plain', 'web', 'poster'] as const
export type Output = (typeof outputs)[number]

export interface StoredFile {
  readonly key: string
  readonly bytes: number
  readonly sha256: string
}

/** What is kept of a model besides its files. */
export interface StoredResult {
  readonly method: 'plate' | 'relief'
  readonly confidence: number
  /** False: it may be wrong, and a person can help. */
  readonly confident: boolean
  readonly tiltDegrees: number
  readonly triangles: number
  readonly webTriangles: number
  readonly milliseconds: number
  readonly warnings: readonly string[]
  readonly outline: Outline
  readonly files: Readonly<Record<Output, StoredFile>>
}

interface Ingredients {
  readonly sourceSha256: string
  readonly help: Help | null
  readonly diameterCm: number
}

/** Names all that a model is made of: requests with the same digest ask for the same model. */
export function digestOf({ sourceSha256, help, diameterCm }: Ingredients): string {
  return createHash('sha256')
    .update(JSON.stringify([pipelineVersion, sourceSha256, canonicalHelp(help), diameterCm]))
    .digest('hex')
}

/** Whatever order its members came in, from a client or from jsonb. */
function canonicalHelp(help: Help | null): unknown {
  if (help === null) return null
  if ('crop' in help) return ['crop', help.crop.x, help.crop.y, help.crop.width, help.crop.height]
  return ['plate', help.plate.x, help.plate.y, help.plate.a, help.plate.b, help.plate.angle]
}
