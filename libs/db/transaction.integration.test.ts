import { createConnection, createServer, type Socket } from 'node:net'
import { isProblem } from '@slipway/problem'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { addNote, type Cluster, notesDatabase, readNotes, startCluster } from './db.fixtures.ts'
import { backupRole, connect, isForeignKeyViolation, isUniqueViolation, newId, onCommit, retryConflicts, roleName } from './index.ts'

let cluster: Cluster
let notes: Awaited<ReturnType<typeof notesDatabase>>

beforeAll(async () => {
  cluster = await startCluster()
  notes = await notesDatabase(cluster)
})
afterAll(() => cluster[Symbol.asyncDispose]())

describe('tenants', () => {
  it('sees and changes the rows of its own tenant only', async () => {
    await using db = notes.open('runtime')
    const [mine, other, id] = [newId(), newId(), newId()]
    await db.tenantTransaction(other, (tx) => addNote(tx, id, 'secret'))

    const { seen, updated, deleted } = await db.tenantTransaction(mine, async (tx) => ({
      seen: await readNotes(tx),
      updated: (await tx.execute(sql`update notes set body = 'stolen' where id = ${id}`)).rowCount,
      deleted: (await tx.execute(sql`delete from notes where id = ${id}`)).rowCount,
    }))
    expect({ seen, updated, deleted }).toEqual({ seen: [], updated: 0, deleted: 0 })
    expect(await db.tenantTransaction(other, readNotes)).toEqual([{ id, tenantId: other, body: 'secret' }])
  })

  it('cannot put a row into another tenant, neither new nor moved', async () => {
    await using db = notes.open('runtime')
    const [mine, other, id] = [newId(), newId(), newId()]
    const insert = sql`insert into notes (id, tenant_id, body) values (${newId()}, ${other}, 'planted')`
    await expect(db.tenantTransaction(mine, (tx) => tx.execute(insert))).rejects.toMatchObject({ cause: { code: '42501' } })
    await db.tenantTransaction(mine, (tx) => addNote(tx, id, 'mine'))
    const move = sql`update notes set tenant_id = ${other} where id = ${id}`
    await expect(db.tenantTransaction(mine, (tx) => tx.execute(move))).rejects.toMatchObject({ cause: { code: '42501' } })
  })

  it('sees nothing, without an error, when no tenant is set, also on a connection that had one', async () => {
    await using db = notes.open('runtime', { poolSize: 1 })
    expect(await db.transaction(readNotes)).toEqual([])
    await db.tenantTransaction(newId(), (tx) => addNote(tx, newId(), 'mine'))
    expect(await db.transaction(readNotes)).toEqual([])
    expect((await db.pool.query('select * from notes')).rows).toEqual([])
    const setting = await db.pool.query<{ tenant: string }>(`select current_setting('slipway.tenant', true) as tenant`)
    expect(setting.rows).toEqual([{ tenant: '' }])
  })

  it('cannot insert without a tenant', async () => {
    await using db = notes.open('runtime')
    await expect(db.transaction((tx) => addNote(tx, newId(), 'nobody'))).rejects.toThrow(/Failed query/)
  })

  it('refuses what is not a UUID before it reaches Postgres', async () => {
    await using db = notes.open('runtime')
    for (const tenant of ['', 'acme', `${newId()}', true); drop table notes; --`, ` ${newId()}`]) {
      await expect(db.tenantTransaction(tenant, readNotes)).rejects.toThrow(TypeError)
    }
  })

  it('lets system see all tenants, and backup read but not write', async () => {
    await using system = notes.open('system')
    await using backup = notes.open('runtime', { role: { user: backupRole, password: 'backup-1' } })
    const [one, two] = [newId(), newId()]
    await system.transaction((tx) =>
      tx.execute(sql`insert into notes (id, tenant_id, body) values (${newId()}, ${one}, 'a'), (${newId()}, ${two}, 'b')`),
    )
    const tenants = (rows: { tenantId: string }[]) => rows.map((row) => row.tenantId)
    expect(tenants(await system.transaction(readNotes))).toEqual(expect.arrayContaining([one, two]))
    const { rows } = await backup.pool.query<{ tenantId: string }>('select tenant_id as "tenantId" from notes.notes')
    expect(tenants(rows)).toEqual(expect.arrayContaining([one, two]))
    await expect(backup.pool.query('delete from notes.notes')).rejects.toMatchObject({ code: '42501' })
  })

  it('keeps tenants apart over 10,000 interleaved transactions on two connections', async () => {
    await using db = notes.open('runtime', { poolSize: 2 })
    const tenants = Array.from({ length: 7 }, () => newId())
    for (const tenant of tenants) await db.tenantTransaction(tenant, (tx) => addNote(tx, newId(), 'own'))
    const foreign: string[] = []
    const call = async (tenant: string, kind: number) => {
      if (kind === 0) return db.transaction(async (tx) => foreign.push(...(await readNotes(tx)).map((row) => row.tenantId)))
      const failing = kind === 1
      const run = db.tenantTransaction(tenant, async (tx) => {
        const rows = await readNotes(tx)
        foreign.push(...rows.map((row) => row.tenantId).filter((owner) => owner !== tenant))
        if (rows.length !== 1) foreign.push(`${rows.length} rows`)
        if (failing) throw new Error('changed my mind')
      })
      return failing ? expect(run).rejects.toThrow('changed my mind') : run
    }
    for (let batch = 0; batch < 100; batch++) {
      const calls = Array.from({ length: 100 }, () => call(tenants[random(7)]!, random(5)))
      await Promise.all(calls)
    }
    expect(foreign).toEqual([])
  })
})

function random(below: number): number {
  return Math.floor(Math.random() * below)
}

describe('transactions', () => {
  it('roll back on an error and give the connection back', async () => {
    await using db = notes.open('runtime', { poolSize: 1 })
    const tenant = newId()
    const failing = db.tenantTransaction(tenant, async (tx) => {
      await addNote(tx, newId(), 'never')
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(await db.tenantTransaction(tenant, readNotes)).toEqual([])
  })

  it('undo a savepoint alone', async () => {
    await using db = notes.open('runtime')
    const tenant = newId()
    await db.tenantTransaction(tenant, async (tx) => {
      await addNote(tx, newId(), 'kept')
      const nested = tx.transaction(async (inner) => {
        await addNote(inner, newId(), 'dropped')
        throw new Error('inner')
      })
      await expect(nested).rejects.toThrow('inner')
    })
    expect((await db.tenantTransaction(tenant, readNotes)).map((row) => row.body)).toEqual(['kept'])
  })

  it('say so when a swallowed error has undone them', async () => {
    await using db = notes.open('runtime')
    const tenant = newId()
    const swallowing = db.tenantTransaction(tenant, async (tx) => {
      await addNote(tx, newId(), 'lost')
      await tx.execute(sql`select 1 / 0`).catch(() => undefined)
    })
    await expect(swallowing).rejects.toThrow(/rolled back/)
  })

  it('run callbacks after commit, in order, on a free connection; none after a rollback', async () => {
    const errors: unknown[] = []
    await using db = notes.open('runtime', { poolSize: 1, onError: (error) => errors.push(error) })
    const tenant = newId()
    const seen: string[] = []
    const result = await db.tenantTransaction(tenant, async (tx) => {
      await addNote(tx, newId(), 'told')
      onCommit(tx, async () => void seen.push(`first ${(await db.tenantTransaction(tenant, readNotes)).length}`))
      onCommit(tx, () => {
        throw new Error('hint lost')
      })
      await tx.transaction((inner) => Promise.resolve(onCommit(inner, () => void seen.push('last'))))
      expect(seen).toEqual([])
      return 'done'
    })
    expect(result).toBe('done')
    expect(seen).toEqual(['first 1', 'last'])
    expect(errors).toEqual([new Error('hint lost')])

    const failing = db.transaction(async (tx) => {
      onCommit(tx, () => void seen.push('never'))
      await tx.execute(sql`select 1 / 0`)
    })
    await expect(failing).rejects.toThrow(/Failed query/)
    expect(seen).not.toContain('never')
    expect(() => onCommit(db.drizzle as never, () => undefined)).toThrow(/needs the transaction/)
  })

  it('can be read only, isolated, and carry an actor', async () => {
    await using db = notes.open('runtime')
    const facts = sql`select current_setting('slipway.actor') as actor, current_setting('transaction_isolation') as isolation`
    const options = { actor: `o'brien\\`, isolation: 'serializable', readOnly: true } as const
    const { rows } = await db.tenantTransaction(newId(), (tx) => tx.execute(facts), options)
    expect(rows).toEqual([{ actor: `o'brien\\`, isolation: 'serializable' }])
    await expect(db.tenantTransaction(newId(), (tx) => addNote(tx, newId(), 'no'), { readOnly: true })).rejects.toThrow()
  })

  it('open with one message: begin and tenant travel together', async () => {
    await using db = notes.open('runtime', { poolSize: 1 })
    const client = await db.pool.connect()
    const query = vi.spyOn(client, 'query')
    client.release()
    await db.tenantTransaction(newId(), () => Promise.resolve())
    const sent = query.mock.calls.map(([text]) => text)
    expect(sent).toEqual([expect.stringMatching(/^begin; select set_config\('slipway\.tenant', '[0-9a-f-]{36}', true\)$/), 'commit'])
  })

  it('end at once when aborted, free the connection and leave nothing', async () => {
    await using db = notes.open('runtime', { poolSize: 1 })
    const tenant = newId()
    const abort = new AbortController()
    const running = db.tenantTransaction(
      tenant,
      async (tx) => {
        await addNote(tx, newId(), 'gone')
        queueMicrotask(() => abort.abort(new Error('client left')))
        await tx.execute(sql`select pg_sleep(30)`)
      },
      { signal: abort.signal },
    )
    await expect(running).rejects.toThrow('client left')
    expect(await db.tenantTransaction(tenant, readNotes)).toEqual([])
    await expect(db.transaction(readNotes, { signal: abort.signal })).rejects.toThrow('client left')
  })
})

describe('errors of the database', () => {
  it('survives a killed backend: the transaction is unavailable, the next one works', async () => {
    const errors: unknown[] = []
    await using db = notes.open('runtime', { poolSize: 1, onError: (error) => errors.push(error) })
    const killed = db.transaction(async (tx) => {
      const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      await cluster.query(`select pg_terminate_backend(${rows[0]?.pid}, 5000)`)
      await tx.execute(sql`select 1`)
    })
    await expect(killed).rejects.toMatchObject({ code: 'database.unavailable', status: 503, retryAfter: 2 })
    await db.ready()
    await expect(db.transaction(readNotes)).resolves.toEqual([])
  })

  it('does not notice an idle connection that was killed', async () => {
    const errors: unknown[] = []
    const { promise: told, resolve } = Promise.withResolvers<void>()
    await using db = notes.open('runtime', {
      poolSize: 1,
      onError: (error) => {
        errors.push(error)
        resolve()
      },
    })
    const { rows } = await db.pool.query<{ pid: number }>('select pg_backend_pid() as pid')
    await cluster.query(`select pg_terminate_backend(${rows[0]?.pid}, 5000)`)
    await expect(db.transaction(readNotes)).resolves.toEqual([])
    await told
    expect(errors).toEqual([expect.objectContaining({ code: '57P01' })])
  })

  it('is unavailable when nothing listens, when the password is wrong and when the pool is exhausted', async () => {
    await using nobody = connect({ url: 'postgres://a:b@127.0.0.1:1/none', connectSeconds: 1 })
    await using wrong = notes.open('runtime', { role: { user: roleName('notes', 'runtime'), password: 'guess' } })
    await using small = notes.open('runtime', { poolSize: 1, connectSeconds: 1 })
    for (const db of [nobody, wrong]) {
      await expect(db.ready()).rejects.toMatchObject({ code: 'database.unavailable' })
      await expect(db.tenantTransaction(newId(), readNotes)).rejects.toMatchObject({ code: 'database.unavailable' })
    }
    await small.transaction(async () => {
      await expect(small.transaction(readNotes)).rejects.toMatchObject({ code: 'database.unavailable' })
    })
    await small.ready()
  })

  it.each([
    ['accepts and says nothing', '', { mode: 'disable' }],
    ['is no Postgres', 'HTTP/1.1 400 Bad Request\r\n\r\n', { mode: 'disable' }],
    ['has no TLS', 'N', { mode: 'verify-full' }],
    ['has no TLS that one could trust', 'S', { mode: 'verify-full' }],
  ] as const)('gives up on a server that %s', async (_name, answer, tls) => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write(answer === 'S' ? 'Sthis is not a handshake' : answer))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await using db = connect({ url: `postgres://a:b@127.0.0.1:${port}/none`, connectSeconds: 1, tls })
    await expect(db.ready()).rejects.toMatchObject({ code: 'database.unavailable' })
    await expect(db.transaction(readNotes)).rejects.toMatchObject({ code: 'database.unavailable' })
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  it('waits long for a busy database, and shortly for one that gave nobody a connection, until it gives one again', async () => {
    const sockets: Socket[] = []
    let silent = true
    const url = new URL(await cluster.createDatabase())
    const real = Number(url.port)
    const server = createServer((near) => {
      const far = silent ? undefined : createConnection(real, '127.0.0.1')
      for (const socket of [near, far]) if (socket) sockets.push(socket.on('error', () => undefined))
      if (far) near.pipe(far).pipe(near)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    url.port = String((server.address() as { port: number }).port)
    // Whoever waited for all that time would not be heard of in this test.
    await using db = connect({ url: String(url), poolSize: 1, connectSeconds: 3600 })
    const first = db.ready()
    await vi.waitFor(() => expect(sockets).toHaveLength(1))
    sockets[0]?.destroy()
    await expect(first).rejects.toMatchObject({ code: 'database.unavailable' })
    await expect(db.ready()).rejects.toMatchObject({ code: 'database.unavailable' })
    silent = false
    await db.ready()
    // The only connection is taken for longer than the short time.
    await Promise.all([db.pool.query('select pg_sleep(1.5)'), db.ready()])
    await db.pool.end()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  it('is ready with the answer that somebody else gets, and does not queue up behind those who wait', async () => {
    await using db = notes.open('runtime', { poolSize: 1 })
    const work = Promise.all(Array.from({ length: 20 }, () => db.pool.query('select pg_sleep(0.05)')))
    await db.ready()
    expect(db.pool.waitingCount).toBeGreaterThan(10)
    await work
    expect(db.pool.listenerCount('release')).toBe(0)
  })

  it('cancels a statement after its time', async () => {
    await using db = notes.open('runtime', { statementSeconds: 1 })
    await expect(db.transaction((tx) => tx.execute(sql`select pg_sleep(60)`))).rejects.toMatchObject({ code: 'database.unavailable' })
  })

  it('leaves other errors as they are, recognisable and without the values that people typed', async () => {
    await using db = notes.open('runtime')
    const tenant = newId()
    await db.tenantTransaction(tenant, (tx) => addNote(tx, newId(), 'hunter2'))
    const error: unknown = await db.tenantTransaction(tenant, (tx) => addNote(tx, newId(), 'hunter2')).catch((thrown: unknown) => thrown)
    expect(isProblem(error)).toBe(false)
    expect(isUniqueViolation(error)).toBe(true)
    expect(isUniqueViolation(error, 'notes_body_key')).toBe(true)
    expect(isUniqueViolation(error, 'notes_pkey')).toBe(false)
    expect(isForeignKeyViolation(error)).toBe(false)
    expect(error).toMatchObject({ message: expect.not.stringContaining('hunter2') as string, params: [] })
  })

  it('does not take errors of other systems for its own', async () => {
    await using db = notes.open('runtime')
    const redisDown = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    await expect(db.transaction(() => Promise.reject(redisDown))).rejects.toBe(redisDown)
  })

  it('runs the victim of a conflict again', async () => {
    await using db = notes.open('runtime')
    const tenant = newId()
    await db.tenantTransaction(tenant, (tx) => addNote(tx, newId(), 'count 0'))
    const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let attempts = 0
    const increment = (index: number) =>
      retryConflicts(() =>
        db.tenantTransaction(
          tenant,
          async (tx) => {
            attempts++
            const [row] = await readNotes(tx)
            arrived[index]!.resolve()
            await Promise.all(arrived.map((each) => each.promise))
            await tx.execute(sql`update notes set body = ${`count ${Number(row!.body.slice(6)) + 1}`}`)
          },
          { isolation: 'repeatable read' },
        ),
      )
    await Promise.all([increment(0), increment(1)])
    expect(attempts).toBe(3)
    expect((await db.tenantTransaction(tenant, readNotes)).map((row) => row.body)).toEqual(['count 2'])
  })
})
