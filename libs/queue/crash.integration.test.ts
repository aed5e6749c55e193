import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA } from './harness.fixtures.ts'
import { type AttemptEnd, enqueue } from './index.ts'
import { keyed, probe } from './probe-queues.fixtures.ts'
import { prefix } from './probe-settings.fixtures.ts'

interface HostProcess {
  said(line: string): Promise<void>
  kill(): Promise<void>
}

describe('a worker host that is killed', () => {
  let all: Harness
  const children: ChildProcessByStdio<null, Readable, null>[] = []
  beforeEach(async () => {
    all = await harness()
  })
  afterEach(async () => {
    for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) await end(child)
    await all[Symbol.asyncDispose]()
  })

  async function end(child: ChildProcessByStdio<null, Readable, null>): Promise<void> {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  function startHost(): HostProcess {
    const program = fileURLToPath(new URL('./probe-host.fixtures.ts', import.meta.url))
    const child = spawn(process.execPath, [program, all.redis.url, all.database.url('system')], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const lines: string[] = []
    const reader = createInterface({ input: child.stdout })
    reader.setMaxListeners(0)
    reader.on('line', (line) => lines.push(line))
    const said = async (line: string) => {
      while (!lines.includes(line)) await once(reader, 'line')
    }
    return { said, kill: () => end(child) }
  }

  const count = async (what: string) =>
    (await all.system.pool.query<{ n: number }>(`select count(*)::int as n from ${what}`)).rows[0]?.n ?? 0
  const request = (name: string, queue = probe) =>
    all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, queue, { version: 1, tenantId: tenantA, name }))

  it('in the middle of a job leaves it to another host', async () => {
    const host = startHost()
    await host.said('ready')
    const id = await request('hang')
    await host.said('started hang')
    expect((await all.row(id))?.state).toBe('active')
    await host.kill()
    const stalled = new Map<string, number[]>()
    await all.workers({
      metrics: {
        started: () => undefined,
        finished: () => undefined,
        stalled: (queue, jobs) => void stalled.set(queue, [...(stalled.get(queue) ?? []), jobs]),
      },
    })
    expect(await all.ended(id)).toMatchObject({ attempts: 1 })
    expect(await all.runs('hang')).toBe(1)
    expect(stalled.get('probe')).toEqual([0, 1])
  })

  it('in the middle of a job, together with all of Redis, still leaves it to another host', async () => {
    const host = startHost()
    await host.said('ready')
    const id = await request('hang')
    await host.said('started hang')
    await host.kill()
    await all.redis.restart()
    await all.system.pool.query(`update jobs set deadline_at = now() where id = $1`, [id])
    await all.workers()
    await all.ended(id)
    expect(await all.runs('hang')).toBe(1)
  })

  it('by the same job again and again has killed enough: the job is a dead letter', async () => {
    const host = startHost()
    await host.said('ready')
    const durable = await request('hang')
    const fast = await all.queues.add(probe, { version: 1, tenantId: tenantA, name: 'hang-fast' })
    await Promise.all([host.said('started hang'), host.said('started hang-fast')])
    const client = new Redis(all.redis.url, { db: 3 })
    for (const id of [`${durable}.1`, fast]) await client.hset(`${prefix}:probe:${id}`, 'stc', 3)
    client.disconnect()
    await host.kill()
    const ends: AttemptEnd[] = []
    await all.workers({
      metrics: { started: () => undefined, finished: (end) => void ends.push(end), stalled: () => undefined },
    })
    for (const id of [durable, fast]) expect(await all.ended(id, 'dead')).toMatchObject({ reason: expect.stringContaining('stalled') })
    expect(await all.effects()).toEqual([])
    await all.until(
      async () => ends.length,
      (told) => told === 2,
    )
    const dead = { queue: 'probe', outcome: 'dead', milliseconds: null, attempts: expect.any(Number) as number }
    expect(ends).toEqual([dead, dead])
  })

  it('after it gave a job to Redis, before its row says so, leaves one job and not two', async () => {
    await using gate = await holdChangesTo(all, 'waiting')
    const host = startHost()
    await host.said('ready')
    // Else the same host might have begun with it before it is killed.
    const queue = await all.queues.queue(probe)
    await queue.pause()
    const id = await request('dish')
    await gate.reached()
    await host.kill()
    expect(await queue.getJob(`${id}.1`)).toBeDefined()
    await gate.open()
    expect((await all.row(id))?.state).toBe('pending')
    await queue.resume()
    await all.workers()
    await all.ended(id)
    await all.ended(await request('later'))
    expect(await all.runs('dish')).toBe(1)
  })

  it('after the work was done, before its row says so, has it done again, which an idempotent processor does not mind', async () => {
    await using gate = await holdChangesTo(all, 'completed')
    const host = startHost()
    await host.said('ready')
    const id = await request('dish', keyed)
    await gate.reached()
    await host.kill()
    expect(await all.runs('dish')).toBe(1)
    await gate.open()
    await all.workers()
    await all.ended(id)
    expect(await all.effects()).toEqual(['dish'])
    expect(await all.runs('dish')).toBe(2)
  })

  it('among several, loses and doubles none of 500 jobs', async () => {
    const [first, second] = [startHost(), startHost()]
    await Promise.all([first.said('ready'), second.said('ready')])
    const names = Array.from({ length: 500 }, (_, n) => `job ${n}`)
    const inParts = Array.from({ length: 10 }, (_, part) => names.slice(part * 50, part * 50 + 50))
    const requested = Promise.all(
      inParts.map((part) =>
        all.runtime.tenantTransaction(tenantA, async (tx) => {
          for (const name of part) await enqueue(tx, probe, { version: 1, tenantId: tenantA, name })
        }),
      ),
    )
    await all.until(
      () => count('effects'),
      (done) => done > 60,
    )
    await first.kill()
    await requested
    await all.workers()
    await all.until(
      () => count(`jobs where state = 'completed'`),
      (done) => done === 500,
    )
    expect(await count('jobs')).toBe(500)
    expect((await all.effects()).sort()).toEqual([...names].sort())
  })
})

interface Gate extends AsyncDisposable {
  reached(): Promise<void>
  open(): Promise<void>
}

/** Stops whoever is about to write this state into a row, as if the process were slow at just that line. */
async function holdChangesTo(all: Harness, state: string): Promise<Gate> {
  const client = new Client({ connectionString: all.database.adminUrl })
  await client.connect()
  await client.query(`
    create function probe.hold() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return new; end $$;
    grant execute on function probe.hold() to public;
    create trigger hold before update on probe.jobs for each row when (new.state = '${state}' and old.state <> '${state}') execute function probe.hold();
    select pg_advisory_lock(7)`)
  const waiters = async () => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from pg_locks where locktype = 'advisory' and not granted and objid = 7`,
    )
    return rows[0]?.count ?? 0
  }
  return {
    reached: async () => {
      while ((await waiters()) === 0) await client.query('select 1')
    },
    open: async () => {
      // The backend of a killed process finds out when its lock is granted; its transaction must be gone before anybody looks.
      await client.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted and objid = 7`)
      while ((await waiters()) > 0) await client.query('select 1')
      await client.query('drop trigger hold on probe.jobs; select pg_advisory_unlock(7)')
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
