import { describe, expect, it } from 'vitest'
import { isOpen, type ModelRow, type ModelState, modelBody, type PhotoRow, photoBody, stateOf } from './model-view.ts'

const at = new Date('2026-11-21T09:30:00.000Z')
const row: ModelRow = {
  id: 'model',
  tenantId: 'tenant',
  dishId: 'dish',
  photoId: 'photo',
  digest: 'digest',
  jobId: 'job',
  state: 'queued',
  runToken: null,
  step: null,
  progress: 0,
  attempt: 0,
  revision: 1,
  help: null,
  diameterCm: 26,
  result: null,
  error: null,
  queuedAt: at,
  startedAt: null,
  finishedAt: null,
  traceId: null,
}
const view = (state: ModelState, job: string | null, more: Partial<ModelRow> = {}) => ({
  row: { ...row, state, ...more },
  job: job === null ? null : { state: job, reason: 'the worker was killed three times' },
})

describe('the state of a model', () => {
  it.each<[row: ModelState, job: string | null, shown: ModelState]>([
    ['queued', 'pending', 'queued'],
    ['queued', 'waiting', 'queued'],
    ['queued', 'active', 'queued'],
    ['running', 'active', 'running'],
    // Its worker is gone: it waits for the next one.
    ['running', 'retrying', 'queued'],
    ['running', 'waiting', 'queued'],
    ['running', 'dead', 'failed'],
    ['queued', 'dead', 'failed'],
    ['queued', 'failed', 'failed'],
    ['queued', 'cancelled', 'cancelled'],
    ['running', 'cancelled', 'cancelled'],
    ['running', 'completed', 'failed'],
    ['running', null, 'failed'],
    // What a worker has said is said, whatever the job has come to since.
    ['done', 'active', 'done'],
    ['done', null, 'done'],
    ['failed', 'active', 'failed'],
    ['failed', 'completed', 'failed'],
    ['cancelled', 'active', 'cancelled'],
  ])('%s with a job that is %s is %s', (state, job, shown) => {
    expect(stateOf(view(state, job))).toBe(shown)
    expect(isOpen(view(state, job))).toBe(shown === 'queued' || shown === 'running')
  })
})

describe('a model as clients see it', () => {
  it('tells the step only while it runs, and only one that there is', () => {
    expect(modelBody(view('running', 'active', { step: 'mesh' })).step).toBe('mesh')
    expect(modelBody(view('running', 'active', { step: 'gilding' })).step).toBeNull()
    expect(modelBody(view('running', 'retrying', { step: 'mesh' })).step).toBeNull()
    expect(modelBody(view('done', 'completed', { step: 'mesh' })).step).toBeNull()
  })

  it('has an error where nobody could write one, and keeps the one that was written', () => {
    expect(modelBody(view('running', 'dead')).error).toEqual({
      code: 'internal.error',
      detail: 'the worker was killed three times',
      traceId: null,
    })
    expect(modelBody(view('queued', null)).error).toMatchObject({ detail: 'the job was lost' })
    const error = { code: 'photo.unreadable', detail: 'cut short', traceId: 'trace' } as const
    expect(modelBody(view('failed', 'dead', { error })).error).toEqual(error)
    expect(modelBody(view('queued', 'retrying', { error })).error).toEqual(error)
    expect(modelBody(view('cancelled', 'cancelled')).error).toBeNull()
  })

  it('gives addresses in the place of keys', () => {
    const file = { key: 'tenant/dish/model/secret.glb', bytes: 7, sha256: 'f'.repeat(64) }
    const figures = {
      method: 'plate',
      confidence: 1,
      confident: true,
      tiltDegrees: 40,
      triangles: 10,
      webTriangles: 5,
      milliseconds: 500,
      warnings: [],
      outline: { x: 0.5, y: 0.4, a: 0.3, b: 0.2, angle: 0 },
    } as const
    const body = modelBody(view('done', null, { result: { ...figures, files: { plain: file, web: file, poster: file } } }))
    expect(body.result).toEqual({
      ...figures,
      files: {
        plain: { bytes: 7, url: '/api/v1/dishes/dish/model.glb' },
        web: { bytes: 7, url: '/api/v1/dishes/dish/model.web.glb' },
        poster: { bytes: 7, url: '/api/v1/dishes/dish/poster.webp' },
      },
    })
    expect(JSON.stringify(body)).not.toContain('secret')
  })

  it('says nothing of runs, tenants and digests', () => {
    const names = Object.keys(modelBody(view('running', 'active', { runToken: 'token' })))
    for (const inner of ['runToken', 'tenantId', 'digest', 'revision', 'photoId']) expect(names).not.toContain(inner)
  })
})

describe('a photo as clients see it', () => {
  const uploaded: PhotoRow = {
    id: 'photo',
    tenantId: 'tenant',
    dishId: 'dish',
    sourceSha256: 'a'.repeat(64),
    sourceKey: 'tenant/dish/photo.source',
    key: null,
    sha256: null,
    width: null,
    height: null,
    bytes: null,
    uploadedAt: at,
  }

  it('is none before it is normalised: what was uploaded may say where it was taken', () => {
    expect(photoBody(null)).toBeNull()
    expect(photoBody(uploaded)).toBeNull()
  })

  it('is what is shown, and tells nothing of what was uploaded', () => {
    const shown = photoBody({ ...uploaded, sourceKey: null, key: 'k.jpg', sha256: 'b'.repeat(64), width: 640, height: 480, bytes: 9 })
    expect(shown).toEqual({
      id: 'photo',
      width: 640,
      height: 480,
      contentType: 'image/jpeg',
      bytes: 9,
      sha256: 'b'.repeat(64),
      url: '/api/v1/dishes/dish/photo',
      uploadedAt: at.toISOString(),
    })
  })
})
