import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { freePort, type RedisPart, startRedis } from './index.ts'
import { exchange, gone, isAlive, listeningAddresses, loopback, onLinux, orphan, otherProcess, temporaryHome } from './stack.fixtures.ts'
import { eventually } from './wait.ts'

async function ask<T>(part: RedisPart, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(part.url, { lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await question(client)
  } finally {
    client.disconnect()
  }
}

describe('startRedis', () => {
  it('is set up for queues: append-only, never evicts, sixteen databases', async () => {
    await using home = await temporaryHome()
    await using part = await startRedis({ home: home.path })
    const pairs = await ask(part, (client) => client.config('GET', 'appendonly', 'appendfsync', 'maxmemory-policy', 'databases', 'save'))
    const found = Object.fromEntries(pairs.flatMap((name, index) => (index % 2 ? [] : [[name, pairs[index + 1]]])))
    expect(found).toEqual({ appendonly: 'yes', appendfsync: 'everysec', 'maxmemory-policy': 'noeviction', databases: '16', save: '' })
  })

  it('refuses who does not know the password', async () => {
    await using home = await temporaryHome()
    await using part = await startRedis({ home: home.path, password: 'pass"word \\ with $pecial/:@ signs' })
    expect(await ask(part, (client) => client.ping())).toBe('PONG')
    expect(await exchange(part.port, Buffer.from('PING\r\nQUIT\r\n'))).toMatch(/^-NOAUTH/)
  })

  it('shows its password to nobody who lists processes', async () => {
    await using home = await temporaryHome()
    await using part = await startRedis({ home: home.path })
    const command = await readFile(`/proc/${part.pid}/cmdline`, 'utf8').catch(() => '')
    expect(command).not.toContain(part.password)
  })

  it.runIf(onLinux)('listens on 127.0.0.1 only', async () => {
    await using home = await temporaryHome()
    await using part = await startRedis({ home: home.path })
    expect(await listeningAddresses(part.pid)).toEqual([loopback])
  })

  it('keeps data and password over a restart', async () => {
    await using home = await temporaryHome()
    const first = await startRedis({ home: home.path })
    await ask(first, (client) => client.set('kept', 'yes'))
    await first.stop()
    await first.stop()
    await using second = await startRedis({ home: home.path })
    expect(second.password).toBe(first.password)
    expect(await ask(second, (client) => client.get('kept'))).toBe('yes')
  })

  it('keeps nothing in memory-only mode', async () => {
    await using home = await temporaryHome()
    const first = await startRedis({ home: home.path, appendOnly: false })
    await ask(first, (client) => client.set('kept', 'no'))
    await first.stop()
    await using second = await startRedis({ home: home.path, appendOnly: false })
    expect(await ask(second, (client) => client.dbsize())).toBe(0)
  })

  it('lets two homes run side by side', async () => {
    await using one = await temporaryHome()
    await using two = await temporaryHome()
    await using first = await startRedis({ home: one.path })
    await using second = await startRedis({ home: two.path })
    expect(first.password).not.toBe(second.password)
    expect(await ask(first, (client) => client.ping())).toBe('PONG')
    expect(await ask(second, (client) => client.ping())).toBe('PONG')
  })

  it('lets one of two starts at once win', async () => {
    await using home = await temporaryHome()
    const starts = await Promise.allSettled([startRedis({ home: home.path }), startRedis({ home: home.path })])
    const parts = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    const errors = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason] : []))
    expect(parts).toHaveLength(1)
    expect(errors).toMatchObject([{ code: 'already-running' }])
    await Promise.all(parts.map((part) => part.stop()))
  })

  it('can be started after a failed start', async () => {
    await using home = await temporaryHome()
    await using other = await temporaryHome()
    await using holder = await startRedis({ home: other.path })
    await expect(startRedis({ home: home.path, port: holder.port })).rejects.toMatchObject({ code: 'port-in-use' })
    await using part = await startRedis({ home: home.path })
    expect(await ask(part, (client) => client.ping())).toBe('PONG')
  })
})

describe('startRedis after a crash', () => {
  it('tells the exit of a server that dies, and starts again with its data', async () => {
    await using home = await temporaryHome()
    const first = await startRedis({ home: home.path })
    await ask(first, (client) => client.set('kept', 'yes'))
    process.kill(first.pid, 'SIGKILL')
    expect(await first.exited).toBeNull()
    await using second = await startRedis({ home: home.path, port: first.port })
    expect(await ask(second, (client) => client.get('kept'))).toBe('yes')
  })

  it('takes over from an orphan that holds the port', async () => {
    await using home = await temporaryHome()
    const port = await freePort()
    const first = await startRedis({ home: home.path, port })
    await ask(first, (client) => client.set('kept', 'yes'))
    await orphan(home.path, 'redis')
    await using second = await startRedis({ home: home.path, port })
    expect(await first.exited).toBe(0)
    expect(await ask(second, (client) => client.get('kept'))).toBe('yes')
  })

  it('says how the log ends when the data are damaged', async () => {
    await using home = await temporaryHome()
    const first = await startRedis({ home: home.path })
    await ask(first, (client) => client.set('key', 'value'))
    await first.stop()
    const folder = join(home.path, 'redis', 'appendonlydir')
    const manifest = (await readdir(folder)).find((name) => name.endsWith('.manifest')) ?? ''
    await writeFile(join(folder, manifest), 'nonsense')
    const error = await startRedis({ home: home.path }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'start-failed' })
    expect(String(error)).toMatch(/redis ended with code 1 while starting.*AOF manifest/s)
  })

  it.runIf(onLinux)('does not outlive a parent that is killed', async () => {
    await using home = await temporaryHome()
    const { child, partPid } = await otherProcess(`startRedis({ home: ${JSON.stringify(home.path)} })`)
    const ended = gone(child)
    child.kill('SIGKILL')
    await ended
    expect(await eventually(async () => !(await isAlive(partPid)), 20)).toBe(true)
  })
})
