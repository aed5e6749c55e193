import { Queue, UnrecoverableError, Worker } from 'bullmq'
import { expect, it } from 'vitest'
import { drain, testRedis } from './index.ts'

interface Scene extends AsyncDisposable {
  queue: Queue<{ fails?: number }>
  ran: string[]
  work(): Worker
}

async function scene(prefix?: string): Promise<Scene> {
  const redis = await testRedis()
  const common = { connection: { url: redis.url }, ...(prefix === undefined ? {} : { prefix }) }
  const queue = new Queue<{ fails?: number }>('drained', common)
  const ran: string[] = []
  const workers: Worker[] = []
  const work = () => {
    const worker = new Worker<{ fails?: number }>(
      'drained',
      async (job) => {
        ran.push(job.name)
        if (job.attemptsMade < (job.data.fails ?? 0)) throw new Error('again')
        if (job.name === 'hopeless') throw new UnrecoverableError('never')
      },
      { ...common, concurrency: 2 },
    )
    worker.on('error', () => undefined)
    workers.push(worker)
    return worker
  }
  return {
    queue,
    ran,
    work,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.close()))
      await queue.close()
      await redis[Symbol.asyncDispose]()
    },
  }
}

it('returns at once for an empty queue', async () => {
  await using here = await scene()
  await drain(here.queue)
})

it('waits for jobs that wait, retry and are delayed', async () => {
  await using here = await scene()
  await here.queue.addBulk([
    { name: 'plain', data: {} },
    { name: 'retried', data: { fails: 2 }, opts: { attempts: 3, backoff: 10 } },
    { name: 'delayed', data: {}, opts: { delay: 50 } },
    { name: 'urgent', data: {}, opts: { priority: 1 } },
    { name: 'hopeless', data: {} },
  ])
  here.work()
  await drain(here.queue)
  expect(here.ran.toSorted()).toEqual(['delayed', 'hopeless', 'plain', 'retried', 'retried', 'retried', 'urgent'])
})

it('does not return while nobody works, and follows the prefix of the queue', async () => {
  await using here = await scene('elsewhere')
  await here.queue.add('late', {})
  let drained = false
  const draining = drain(here.queue).then(() => {
    drained = true
    return drained
  })
  expect((await here.queue.getJobCounts('waiting')).waiting).toBe(1)
  expect(drained).toBe(false)
  here.work()
  await draining
  expect(here.ran).toEqual(['late'])
})

it('sees jobs that are removed instead of run', async () => {
  await using here = await scene()
  const job = await here.queue.add('unwanted', {})
  const draining = drain(here.queue)
  await job.remove()
  await draining
})
