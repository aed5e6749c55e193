import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AnyQueue, DeclarationError, defineQueue, type JobRun, type QueueDefinition } from './definition.ts'
import { days, exponential, fixed, hours, minutes, perMinute, perSecond, seconds } from './units.ts'

const payload = z.object({ version: z.literal(1), tenantId: z.guid(), dish: z.string() })
interface Context {
  readonly greeting: string
}
const declaration = {
  name: 'greet',
  payload,
  attempts: 3,
  backoff: exponential(seconds(1)),
  timeout: minutes(2),
  concurrency: 2,
  rate: perMinute(10),
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: async () => ({
    process: async (run: JobRun<z.infer<typeof payload>>, context: Context) => `${context.greeting} ${run.payload.dish}`,
  }),
}

describe('defineQueue', () => {
  it('keeps what is declared, unchangeable, with the types of payload and context', () => {
    const queue: QueueDefinition<Context, z.infer<typeof payload>> = defineQueue({ ...declaration, jobId: ({ dish }) => dish })
    expect(queue.jobId?.({ version: 1, tenantId: 'x', dish: 'soup' })).toBe('soup')
    expect(Object.isFrozen(queue)).toBe(true)
    const listed: readonly QueueDefinition<Context>[] = [queue]
    const anywhere: readonly AnyQueue[] = listed
    expect(anywhere).toHaveLength(1)
  })

  it('names every fault at once', () => {
    const faulty = () =>
      defineQueue({ ...declaration, name: 'No:colons', attempts: 0, timeout: 0, concurrency: 1.5, keep: { completed: -1, failed: 0 } })
    expect(faulty).toThrow(DeclarationError)
    for (const fault of [/lower-case/, /attempts is 0/, /timeout is 0/, /concurrency is 1.5/, /keep must not/])
      expect(faulty).toThrow(fault)
    expect(() => defineQueue({ ...declaration, rate: perMinute(0) })).toThrow(/rate needs/)
    expect(() => defineQueue({ ...declaration, backoff: fixed(10, { jitter: 2 }) })).toThrow(/jitter/)
  })

  it('requires every promise by type', () => {
    const { attempts: _attempts, ...withoutAttempts } = declaration
    const { backoff: _backoff, ...withoutBackoff } = declaration
    const { timeout: _timeout, ...withoutTimeout } = declaration
    const { concurrency: _concurrency, ...withoutConcurrency } = declaration
    const { rate: _rate, ...withoutRate } = declaration
    const { keep: _keep, ...withoutKeep } = declaration
    const { deadLetter: _deadLetter, ...withoutDeadLetter } = declaration
    const { processor: _processor, ...withoutProcessor } = declaration
    const refused = () => {
      // @ts-expect-error attempts are required
      defineQueue(withoutAttempts)
      // @ts-expect-error backoff is required
      defineQueue(withoutBackoff)
      // @ts-expect-error a timeout is required
      defineQueue(withoutTimeout)
      // @ts-expect-error concurrency is required
      defineQueue(withoutConcurrency)
      // @ts-expect-error a rate is required, if only as null
      defineQueue(withoutRate)
      // @ts-expect-error retention is required
      defineQueue(withoutKeep)
      // @ts-expect-error both retentions are
      defineQueue({ ...declaration, keep: { completed: 1 } })
      // @ts-expect-error the dead-letter policy is required
      defineQueue(withoutDeadLetter)
      // @ts-expect-error a processor is required
      defineQueue(withoutProcessor)
    }
    expect(refused).toBeTypeOf('function')
  })

  it('requires a literal schema version by type', () => {
    const process = async () => undefined
    const processor = async () => ({ process })
    const refused = () => {
      // @ts-expect-error any number is no version
      defineQueue({ ...declaration, processor, payload: z.object({ version: z.number() }) })
      // @ts-expect-error no version at all
      defineQueue({ ...declaration, processor, payload: z.object({ dish: z.string() }) })
    }
    expect(refused).toBeTypeOf('function')
    const several = z.discriminatedUnion('version', [
      z.object({ version: z.literal(1), dish: z.string() }),
      z.object({ version: z.literal(2), meal: z.string() }),
    ])
    expect(defineQueue({ ...declaration, processor, payload: several }).name).toBe('greet')
  })

  it('fits payload and processor by type', () => {
    const other = async () => ({ process: async (_run: JobRun<{ version: 1; other: boolean }>) => undefined })
    // @ts-expect-error this processor expects another payload
    const queue = () => defineQueue({ ...declaration, processor: other })
    expect(queue).toBeTypeOf('function')
  })
})

describe('units', () => {
  it('are milliseconds', () => {
    expect([seconds(2), minutes(2), hours(2), days(2)]).toEqual([2000, 120_000, 7_200_000, 172_800_000])
    expect([perSecond(30), perMinute(10)]).toEqual([
      { max: 30, duration: 1000 },
      { max: 10, duration: 60_000 },
    ])
  })

  it('spread retries by default', () => {
    expect(exponential(seconds(1))).toEqual({ type: 'exponential', delay: 1000, jitter: 0.5 })
    expect(fixed(seconds(1)).jitter).toBeGreaterThan(0)
  })
})
