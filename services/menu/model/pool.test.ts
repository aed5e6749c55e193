import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { imageOf } from './photo.ts'
import { createModelPool, type ModelPool } from './pool.ts'
import { plates, render } from './scene.fixtures.ts'

const limits = { maxPixels: 10_000_000 }
const calm = () => new AbortController().signal
const silent = () => undefined

let pool: ModelPool
let photo: Uint8Array
beforeAll(async () => {
  pool = createModelPool({ threads: 2, memoryMb: 256 })
  const [, scene] = plates
  if (scene === undefined) throw new Error('no scene')
  photo = await imageOf(render(scene).picture).jpeg().toBuffer()
})
afterAll(() => pool?.[Symbol.asyncDispose]())

/** Field 19 of proc(5); those after the name, which may hold blanks, count from 3. */
const niceOf = (file: string) => Number(readFileSync(file, 'utf8').split(') ')[1]?.split(' ')[16])

const request = () => ({ photo, diameterCm: 26, help: null })

describe('threads', () => {
  it('make a model, tell its steps, and validate it', async () => {
    const steps: string[] = []
    const model = await pool.make(request(), { signal: calm(), onStep: (step) => steps.push(step) })
    expect(model).toMatchObject({ method: 'plate', confident: true })
    expect(model.milliseconds).toBeGreaterThan(0)
    expect(steps).toEqual(['analyse', 'segment', 'height', 'mesh', 'optimise', 'validate'])
  })

  it('give the same bytes, whichever of them it was', async () => {
    const [one, other] = await Promise.all([
      pool.make(request(), { signal: calm(), onStep: silent }),
      pool.make(request(), { signal: calm(), onStep: silent }),
    ])
    for (const file of ['plain', 'web', 'poster'] as const) expect(Buffer.compare(one[file], other[file])).toBe(0)
  })

  it('leave the event loop free meanwhile', async () => {
    let turns = 0
    const ticking = setInterval(() => turns++, 1)
    await pool.make(request(), { signal: calm(), onStep: silent })
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(10)
  })

  it.runIf(process.platform === 'linux')('give way to the event loop when cores are short', async () => {
    await pool.make(request(), { signal: calm(), onStep: silent })
    const niceness = readdirSync('/proc/self/task').map((id) => niceOf(`/proc/self/task/${id}/stat`))
    expect(niceOf('/proc/self/stat')).toBe(0)
    expect(niceness.filter((nice) => nice === constants.priority.PRIORITY_BELOW_NORMAL).length).toBeGreaterThan(0)
  })

  it('normalise photos', async () => {
    expect(await pool.normalise(photo, limits, { signal: calm() })).toMatchObject({ width: 512, height: 384 })
  })

  it.each([
    ['photo.unreadable', Buffer.from('text')],
    ['photo.unsupported', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>')],
  ])('tell %s as the problem it is', async (code, source) => {
    await expect(pool.normalise(source, limits, { signal: calm() })).rejects.toMatchObject({ code, status: 422 })
  })

  it('tell what they cannot name as an error', async () => {
    await expect(pool.make({ ...request(), diameterCm: Number.NaN }, { signal: calm(), onStep: silent })).rejects.toThrow(/./)
  })
})

describe('stopping', () => {
  it('ends the work in the middle, with the reason given, and the next work is done', async () => {
    const reason = new Error('cancelled by a person')
    const stop = new AbortController()
    const stopped = pool.make(request(), { signal: stop.signal, onStep: () => stop.abort(reason) })
    await expect(stopped).rejects.toBe(reason)
    expect(await pool.make(request(), { signal: calm(), onStep: silent })).toMatchObject({ method: 'plate' })
  })

  it('before the beginning begins nothing', async () => {
    const steps: string[] = []
    const stopped = pool.make(request(), { signal: AbortSignal.abort(new Error('too late')), onStep: (step) => steps.push(step) })
    await expect(stopped).rejects.toThrow('too late')
    expect(steps).toEqual([])
  })
})
