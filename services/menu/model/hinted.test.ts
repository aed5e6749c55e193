import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OutlineProvider } from './gemini.ts'
import { hintedBy } from './hinted.ts'
import { imageOf } from './photo.ts'
import { createModelPool, type ModelPool } from './pool.ts'
import { plates, render } from './scene.fixtures.ts'

const plate = { x: 0.5, y: 0.41, a: 0.27, b: 0.21, angle: 0 }
const calm = () => ({ signal: new AbortController().signal, onStep: () => undefined })

let pool: ModelPool
let photo: Uint8Array
beforeAll(async () => {
  pool = createModelPool({ threads: 1, memoryMb: 256 })
  const [, scene] = plates
  if (scene === undefined) throw new Error('no scene')
  photo = await imageOf(render(scene).picture).jpeg().toBuffer()
})
afterAll(() => pool?.[Symbol.asyncDispose]())

function asking(find: OutlineProvider['find']) {
  const asked: Uint8Array[] = []
  const provider: OutlineProvider = {
    find(jpeg, signal) {
      asked.push(jpeg)
      return find(jpeg, signal)
    },
  }
  return { asked, maker: hintedBy(provider, pool) }
}

describe('a provider', () => {
  it('is asked with the photo, and its hint is looked for in it', async () => {
    const { asked, maker } = asking(async () => plate)
    const made = await maker.make({ photo, diameterCm: 26, help: null }, calm())
    expect(asked).toEqual([photo])
    expect(made).toMatchObject({ method: 'plate', confident: true, warnings: [] })
  })

  it('that fails is told of in the result, and the local method does it', async () => {
    const alone = await pool.make({ photo, diameterCm: 26, help: null }, calm())
    const { maker } = asking(() => Promise.reject(new Error('429 RESOURCE_EXHAUSTED')))
    const made = await maker.make({ photo, diameterCm: 26, help: null }, calm())
    expect(made.warnings).toEqual([expect.stringContaining('429 RESOURCE_EXHAUSTED')])
    expect(Buffer.compare(made.plain, alone.plain)).toBe(0)
  })

  it('that sees no plate takes nothing away', async () => {
    const { maker } = asking(async () => null)
    expect(await maker.make({ photo, diameterCm: 26, help: null }, calm())).toMatchObject({ method: 'plate', warnings: [] })
  })

  it('is not asked when a person has helped', async () => {
    const { asked, maker } = asking(async () => null)
    await maker.make({ photo, diameterCm: 26, help: { plate } }, calm())
    expect(asked).toEqual([])
  })

  it('is not waited for when the job is cancelled', async () => {
    const stop = new AbortController()
    const reason = new Error('cancelled')
    const { maker } = asking((_, signal) => {
      stop.abort(reason)
      return Promise.reject(signal.reason)
    })
    await expect(maker.make({ photo, diameterCm: 26, help: null }, { ...calm(), signal: stop.signal })).rejects.toBe(reason)
  })
})
