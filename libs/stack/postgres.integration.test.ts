import { spawn } from 'node:child_process'
import { readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { freePort, type PostgresPart, startPostgres } from './index.ts'
import { gone, isAlive, listeningAddresses, loopback, onLinux, orphan, otherProcess, temporaryHome } from './stack.fixtures.ts'
import { postgresUser } from './system-user.ts'
import { eventually } from './wait.ts'

const careless = { durable: false }

async function query<T extends object>(url: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}

async function note(part: PostgresPart, text: string): Promise<void> {
  await query(part.adminUrl, `create table if not exists notes (text text); insert into notes values ('${text}')`)
}

async function notes(part: PostgresPart): Promise<string[]> {
  return (await query<{ text: string }>(part.adminUrl, 'select text from notes order by text')).map((row) => row.text)
}

describe('startPostgres', () => {
  it('serves the database slipway with UTF-8 and asks for the password', async () => {
    await using home = await temporaryHome()
    await using part = await startPostgres({ home: home.path, ...careless })
    const [row] = await query<{ database: string; encoding: string; version: string }>(
      part.adminUrl,
      `select current_database() as database, current_setting('server_encoding') as encoding, current_setting('server_version') as version`,
    )
    expect(row).toMatchObject({ database: 'slipway', encoding: 'UTF8' })
    expect(row?.version).toMatch(/^18/)
    await expect(query(part.adminUrl.replace(part.password, 'wrong'), 'select 1')).rejects.toThrow('password authentication failed')
  })

  it.runIf(onLinux)('listens on 127.0.0.1 only', async () => {
    await using home = await temporaryHome()
    await using part = await startPostgres({ home: home.path, ...careless })
    expect(await listeningAddresses(part.pid)).toEqual([loopback])
  })

  it('keeps its password where only this user can read it', async () => {
    await using home = await temporaryHome()
    await using part = await startPostgres({ home: home.path, ...careless })
    const file = join(home.path, 'secrets', 'postgres-password')
    expect((await readFile(file, 'utf8')).trim()).toBe(part.password)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(part.password.length).toBeGreaterThanOrEqual(32)
  })

  it('keeps data and password over a restart on another port', async () => {
    await using home = await temporaryHome()
    const first = await startPostgres({ home: home.path })
    await note(first, 'before')
    await first.stop()
    expect(await first.exited).toBe(0)
    await using second = await startPostgres({ home: home.path, port: await freePort() })
    expect(second.password).toBe(first.password)
    expect(await notes(second)).toEqual(['before'])
  })

  it('runs side by side with another home', async () => {
    await using one = await temporaryHome()
    await using two = await temporaryHome()
    const [first, second] = await Promise.all([
      startPostgres({ home: one.path, ...careless }),
      startPostgres({ home: two.path, ...careless }),
    ])
    await note(first, 'one')
    await note(second, 'two')
    expect(await notes(first)).toEqual(['one'])
    expect(first.port).not.toBe(second.port)
    await Promise.all([first.stop(), second.stop()])
  })

  it('refuses a second start of a running home and leaves the first alone', async () => {
    await using home = await temporaryHome()
    await using part = await startPostgres({ home: home.path, ...careless })
    await expect(startPostgres({ home: home.path })).rejects.toMatchObject({ code: 'already-running' })
    await note(part, 'still here')
  })

  it('names the port in use and who holds it', async () => {
    await using home = await temporaryHome()
    await using other = await temporaryHome()
    await using part = await startPostgres({ home: home.path, ...careless })
    const error = await startPostgres({ home: other.path, port: part.port }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'port-in-use' })
    expect(String(error)).toContain(`port ${part.port} of postgres is in use by process ${part.pid}`)
    await using again = await startPostgres({ home: other.path, ...careless })
    expect(again.port).not.toBe(part.port)
  })

  it('takes settings, and gives up safety only when asked', async () => {
    await using home = await temporaryHome()
    const show = (part: PostgresPart) =>
      query(part.adminUrl, "select name, setting from pg_settings where name in ('fsync', 'work_mem') order by name")
    const safe = await startPostgres({ home: home.path, settings: { work_mem: '1234kB' } })
    expect(await show(safe)).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'work_mem', setting: '1234' },
    ])
    await safe.stop()
    await using fast = await startPostgres({ home: home.path, ...careless })
    expect((await show(fast))[0]).toEqual({ name: 'fsync', setting: 'off' })
  })

  it('is removed with its home, also where the data lie elsewhere', async () => {
    const home = await temporaryHome(0o700)
    const part = await startPostgres({ home: home.path, ...careless })
    await part.stop()
    const data = await realpath(join(home.path, 'postgres'))
    await home[Symbol.asyncDispose]()
    await expect(stat(data)).rejects.toThrow('ENOENT')
    await expect(stat(home.path)).rejects.toThrow('ENOENT')
  })

  it('can be left in the hands of a folder that other users cannot enter', async () => {
    await using home = await temporaryHome(0o700)
    const part = await startPostgres({ home: home.path, ...careless })
    await note(part, 'inside')
    await part.stop()
    await using again = await startPostgres({ home: home.path, ...careless })
    expect(await notes(again)).toEqual(['inside'])
  })
})

describe('startPostgres after a crash', () => {
  it('ends an orphaned server on the same port and keeps what was committed', async () => {
    await using home = await temporaryHome()
    const port = await freePort()
    const first = await startPostgres({ home: home.path, port })
    await note(first, 'committed')
    await orphan(home.path, 'postgres')
    const told: string[] = []
    await using second = await startPostgres({ home: home.path, port, log: (message) => told.push(message) })
    await first.exited
    expect(told).toEqual([`postgres: ends process ${first.pid} that a killed stack left behind`])
    expect(await notes(second)).toEqual(['committed'])
  })

  it('finds an orphaned server by its own pid file when ours is lost', async () => {
    await using home = await temporaryHome()
    const first = await startPostgres({ home: home.path, ...careless })
    await rm(join(home.path, 'run', 'postgres.pid'))
    await using second = await startPostgres({ home: home.path, ...careless })
    await first.exited
    expect(second.pid).not.toBe(first.pid)
  })

  it('recovers from the death of the server, with connections open', async () => {
    await using home = await temporaryHome()
    const first = await startPostgres({ home: home.path })
    await note(first, 'committed')
    const client = new Client({ connectionString: first.adminUrl })
    client.on('error', () => undefined)
    await client.connect()
    process.kill(first.pid, 'SIGKILL')
    expect(await first.exited).toBeNull()
    await using second = await startPostgres({ home: home.path, port: first.port })
    expect(await notes(second)).toEqual(['committed'])
    await client.end()
  })

  it('is not kept from starting by a pid file whose pid is another program now', async () => {
    await using home = await temporaryHome()
    const first = await startPostgres({ home: home.path, ...careless })
    await first.stop()
    // Postgres passes over processes of other users by itself.
    const other = spawn('sleep', ['600'], { ...(await postgresUser()) })
    await writeFile(join(home.path, 'postgres', 'postmaster.pid'), `${other.pid}\n${join(home.path, 'postgres')}\n`)
    await using second = await startPostgres({ home: home.path, ...careless })
    expect(await isAlive(second.pid)).toBe(true)
    expect(await isAlive(other.pid ?? 0)).toBe(true)
    const ended = gone(other)
    other.kill()
    await ended
  })

  it('makes the cluster again when its making was interrupted', async () => {
    await using home = await temporaryHome()
    const first = await startPostgres({ home: home.path, ...careless })
    await first.stop()
    await rm(join(home.path, 'postgres', 'slipway-initialised'))
    await rm(join(home.path, 'postgres', 'global'), { recursive: true })
    await using second = await startPostgres({ home: home.path, ...careless })
    await note(second, 'works')
  })

  it('says what is wrong when the password of the data is lost', async () => {
    await using home = await temporaryHome()
    const first = await startPostgres({ home: home.path, ...careless })
    await first.stop()
    await rm(join(home.path, 'secrets', 'postgres-password'))
    await expect(startPostgres({ home: home.path })).rejects.toMatchObject({ code: 'damaged' })
    expect(await isAlive(first.pid)).toBe(false)
  })

  it('does not touch data of another major version', async () => {
    await using home = await temporaryHome()
    const first = await startPostgres({ home: home.path, ...careless })
    await first.stop()
    const file = join(home.path, 'postgres', 'PG_VERSION')
    await writeFile(file, '17\n')
    const error = await startPostgres({ home: home.path }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'damaged', what: expect.stringContaining('made by Postgres 17, this is Postgres 18') })
    await writeFile(file, '18\n')
    await using second = await startPostgres({ home: home.path, ...careless })
    expect(second.password).toBe(first.password)
  })

  it.runIf(onLinux)('does not outlive a parent that is killed', async () => {
    await using home = await temporaryHome()
    const { child, partPid } = await otherProcess(`startPostgres({ home: ${JSON.stringify(home.path)}, durable: false })`)
    expect(await isAlive(partPid)).toBe(true)
    const ended = gone(child)
    child.kill('SIGKILL')
    await ended
    expect(await eventually(async () => !(await isAlive(partPid)), 20)).toBe(true)
    await using again = await startPostgres({ home: home.path, ...careless })
    expect(again.pid).not.toBe(partPid)
  })
})
