import type { JobState } from '@slipway/queue'
import { type dishes, jobs, type modelStates, type models, type photos } from '../schema.ts'
import { isStep, type ModelError, steps } from './model.ts'

export type DishRow = typeof dishes.$inferSelect
export type PhotoRow = typeof photos.$inferSelect
export type ModelRow = typeof models.$inferSelect
export type ModelState = (typeof modelStates)[number]

/** A request for a model with what libs/queue knows of its job: null once the job is forgotten. */
export interface ModelView {
  readonly row: ModelRow
  readonly job: { readonly state: string; readonly reason: string | null } | null
}

export const jobColumns = { state: jobs.state, reason: jobs.reason }

/**
 * Where the request stands. A worker says so in the row; where it could not (killed too often, cancelled from the list of jobs), the job
 * tells.
 */
export function stateOf({ row, job }: ModelView): ModelState {
  if (row.state !== 'queued' && row.state !== 'running') return row.state
  const state = job?.state as JobState | undefined
  if (state === undefined || state === 'dead' || state === 'failed' || state === 'completed') return 'failed'
  if (state === 'cancelled') return 'cancelled'
  return state === 'active' ? row.state : 'queued'
}

export function isOpen(view: ModelView): boolean {
  const state = stateOf(view)
  return state === 'queued' || state === 'running'
}

function errorOf(view: ModelView): ModelError | null {
  if (view.row.error !== null || stateOf(view) !== 'failed') return view.row.error
  return { code: 'internal.error', detail: view.job?.reason ?? 'the job was lost', traceId: null }
}

/** As clients see it, in answers and in events. */
export function modelBody(view: ModelView) {
  const { row } = view
  const state = stateOf(view)
  return {
    id: row.id,
    state,
    step: state === 'running' && row.step !== null && isStep(row.step) ? row.step : null,
    steps: [...steps],
    progress: row.progress,
    attempt: row.attempt,
    jobId: row.jobId,
    traceId: row.traceId,
    queuedAt: row.queuedAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    error: errorOf(view),
    help: row.help,
    result: resultBody(row),
  }
}

function resultBody({ result, dishId }: ModelRow) {
  if (result === null) return null
  const { files, warnings, ...figures } = result
  const path = `/api/v1/dishes/${dishId}`
  return {
    ...figures,
    warnings: [...warnings],
    files: {
      plain: { bytes: files.plain.bytes, url: `${path}/model.glb` },
      web: { bytes: files.web.bytes, url: `${path}/model.web.glb` },
      poster: { bytes: files.poster.bytes, url: `${path}/poster.webp` },
    },
  }
}

/** Null until the photo is normalised. */
export function photoBody(row: PhotoRow | null) {
  const { key, sha256, width, height, bytes } = row ?? {}
  if (!row || !key || !sha256 || !width || !height || !bytes) return null
  const url = `/api/v1/dishes/${row.dishId}/photo`
  return { id: row.id, width, height, contentType: 'image/jpeg' as const, bytes, sha256, url, uploadedAt: row.uploadedAt.toISOString() }
}
