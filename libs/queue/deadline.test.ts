import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { JobCancelled, JobTimeout, withDeadline } from './deadline.ts'

const never = () => new Promise<never>(() => undefined)
const limits = (more: Partial<Parameters<typeof withDeadline>[2]> = {}) => ({
  timeout: 60_000,
  grace: 1,
  onIgnored: () => undefined,
  ...more,
})

describe('withDeadline', () => {
  it('passes on result and error', async () => {
    await expect(withDeadline(async () => 7, new AbortController(), limits())).resolves.toBe(7)
    const failing = withDeadline(() => Promise.reject(new Error('mine')), new AbortController(), limits())
    await expect(failing).rejects.toThrow('mine')
  })

  it('aborts at the deadline, with the timeout as reason', async () => {
    const controller = new AbortController()
    const work = async () => {
      await once(controller.signal, 'abort')
      throw new Error('stopped in order')
    }
    await expect(withDeadline(work, controller, limits({ timeout: 1, grace: 60_000 }))).rejects.toBeInstanceOf(JobTimeout)
    expect(controller.signal.reason).toBeInstanceOf(JobTimeout)
  })

  it('leaves work behind that ignores its signal, and says so', async () => {
    let ignored = 0
    const onIgnored = () => void ignored++
    await expect(withDeadline(never, new AbortController(), limits({ timeout: 1, onIgnored }))).rejects.toBeInstanceOf(JobTimeout)
    expect(ignored).toBe(1)
  })

  it('believes work that is done in spite of the abort', async () => {
    const controller = new AbortController()
    const work = async () => {
      await once(controller.signal, 'abort')
      return 'done'
    }
    await expect(withDeadline(work, controller, limits({ timeout: 1, grace: 60_000 }))).resolves.toBe('done')
  })

  it('stops what was cancelled before it began', async () => {
    const controller = new AbortController()
    controller.abort(new JobCancelled('no'))
    await expect(withDeadline(never, controller, limits())).rejects.toBeInstanceOf(JobCancelled)
  })
})
