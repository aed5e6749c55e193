import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { freePort } from '@slipway/stack'
import { describe, expect, it } from 'vitest'
import { fakeClamd, officialVersion, type Script } from './fake-clamd.fixtures.ts'
import { createScanner, type ScannerOpening } from './scanner.ts'

const clean = (socket: { end(text: string): unknown }) => void socket.end('stream: OK\0')
const content = () => Readable.from([Buffer.from('some '), Buffer.from('content')])

async function setUp(script: Script, changes: Partial<Parameters<typeof createScanner>[0]> = {}) {
  const stack = new AsyncDisposableStack()
  const clamd = stack.use(await fakeClamd(script))
  const limits = { connections: 1, queueSeconds: 600, idleSeconds: 600, maxFileBytes: 1_000_000 }
  const scanner = stack.use(createScanner({ host: clamd.host, port: clamd.port, ...limits, ...changes }))
  return { clamd, scanner, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

describe('whoever measures', () => {
  it('is told how each scan came to its place: that it did, that none was free, that clamd is away, that it was given up', async () => {
    const told: (string | null)[] = []
    const onOpen = ({ error, seconds }: ScannerOpening) => {
      expect(seconds).toBeGreaterThanOrEqual(0)
      told.push(error)
    }
    await using made = await setUp({ onEnd: clean }, { onOpen, queueSeconds: 0 })
    await made.scanner.scan(content())
    const stream = await made.scanner.open()
    await expect(made.scanner.open()).rejects.toMatchObject({ code: 'service.overloaded' })
    await expect(made.scanner.open(AbortSignal.abort())).rejects.toThrow('abort')
    stream.destroy()
    await using alone = createScanner({ ...nowhere, port: await freePort(), onOpen })
    await expect(alone.open()).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(told).toEqual([null, null, 'service.overloaded', 'cancelled', 'scanner.unavailable'])
  })
})

const nowhere = { host: '127.0.0.1', connections: 1, queueSeconds: 600, idleSeconds: 600, maxFileBytes: 1_000_000 }

describe('a verdict', () => {
  it('comes with what clamd said, and engine and database in force', async () => {
    await using made = await setUp({ onEnd: clean })
    expect(await made.scanner.scan(content())).toEqual({
      verdict: 'clean',
      raw: 'stream: OK',
      engine: 'ClamAV 1.4.6',
      database: '27791/Thu Oct 16 09:44:12 2025',
      milliseconds: expect.any(Number),
    })
    expect(made.clamd.received).toBe(12)
    expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('is never clean when the reply is not known', async () => {
    for (const reply of ['stream: OK and more\0', 'OK\0', '\0', `stream: ${'x'.repeat(10_000)}`]) {
      await using made = await setUp({ onEnd: (socket) => void socket.end(reply) })
      expect((await made.scanner.scan(content())).verdict).toBe('error')
    }
  })

  it('is put together from the pieces in which it arrives', async () => {
    const onEnd: Script['onEnd'] = (socket) => {
      socket.setNoDelay(true)
      socket.write('stream: Some.Th', () => socket.end('ing FOUND\0'))
    }
    await using made = await setUp({ onEnd })
    expect(await made.scanner.scan(content())).toMatchObject({ verdict: 'infected', signature: 'Some.Thing' })
  })

  it('may come before the last byte, and ends the scan', async () => {
    const onContent: Script['onContent'] = (socket) => {
      socket.write('INSTREAM size limit exceeded. ERROR\0')
      socket.resetAndDestroy()
    }
    await using made = await setUp({ onContent })
    const endless = Readable.from(
      (function* () {
        for (let i = 0; i < 500; i++) yield Buffer.alloc(65_536)
      })(),
    )
    expect(await made.scanner.scan(endless).catch((error: unknown) => error)).toMatchObject({ verdict: 'unscannable', reason: 'size' })
  })

  it('that comes before the last byte is waited for when the stream has ended before it is complete', async () => {
    const asked = Promise.withResolvers<void>()
    const version = Promise.withResolvers<string>()
    const script: Script = {
      version: () => {
        asked.resolve()
        return version.promise
      },
      onContent: (socket) => void socket.write('INSTREAM size limit exceeded. ERROR\0'),
    }
    await using made = await setUp(script)
    const stream = await made.scanner.open()
    stream.write('too much')
    await asked.promise
    stream.end()
    // In which the end would have closed the stream.
    for (let turns = 0; turns < 10; turns++) await turn()
    version.resolve(officialVersion)
    expect(await stream.result()).toMatchObject({ verdict: 'unscannable' })
  })

  it('names the older database when it moves during the scan', async () => {
    const versions = [officialVersion, officialVersion.replace('27791', '27792')]
    let now = 0
    const onEnd: Script['onEnd'] = (socket) => {
      now += 60_000
      clean(socket)
    }
    await using made = await setUp({ onEnd, version: () => versions.shift() ?? null }, { now: () => now })
    expect(await made.scanner.scan(content())).toMatchObject({ database: expect.stringMatching(/^27791/), milliseconds: 60_000 })
    expect((await made.scanner.scan(content())).database).toMatch(/^27792/)
  })

  it('is an error when clamd lives and never gives one', async () => {
    await using made = await setUp({}, { idleSeconds: 0.5, scanSeconds: 1 })
    expect(await made.scanner.scan(content())).toMatchObject({ verdict: 'error', reason: 'timeout', raw: '' })
    expect(made.scanner.load().busy).toBe(0)
  })
})

describe('clamd that is not well', () => {
  it('is unavailable when nobody listens', async () => {
    const scanner = createScanner({
      host: '127.0.0.1',
      port: await freePort(),
      connections: 1,
      queueSeconds: 1,
      idleSeconds: 1,
      maxFileBytes: 1,
    })
    await using _ = scanner
    const source = content()
    await expect(scanner.scan(source)).rejects.toMatchObject({ code: 'scanner.unavailable', status: 503, retryAfter: 5 })
    expect(source.destroyed).toBe(true)
    await expect(scanner.ping()).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(await scanner.state()).toEqual({ status: 'down', reason: expect.stringContaining('ECONNREFUSED') })
    expect(scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it.each([
    ['closes without a verdict', { onEnd: (socket) => void socket.end() }],
    ['closes in the middle of one', { onEnd: (socket) => void socket.end('stream: OK') }],
    ['resets the connection after the last byte', { onEnd: (socket) => void socket.resetAndDestroy() }],
    ['resets the connection while it receives', { onContent: (socket) => void socket.resetAndDestroy() }],
    ['answers VERSION with nonsense', { onEnd: clean, version: () => 'hello' }],
  ] satisfies [string, Script][])('is unavailable when it %s', async (_, script) => {
    await using made = await setUp(script)
    await expect(made.scanner.scan(content())).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(made.scanner.load().busy).toBe(0)
  })

  it('is unavailable when it hangs: neither a verdict nor an answer to PING', async () => {
    await using made = await setUp({ alive: () => false }, { idleSeconds: 0.05 })
    await expect(made.scanner.scan(content())).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(made.scanner.load().busy).toBe(0)
  })

  it('is asked for a sign of life before the next scan, once one was lost: nobody else waits as long to find the same', async () => {
    let isAlive = false
    let pings = 0
    const alive = () => {
      pings++
      return isAlive
    }
    await using made = await setUp({ alive, onEnd: (socket) => void (isAlive && clean(socket)) }, { idleSeconds: 0.05, connections: 5 })
    await expect(made.scanner.scan(content())).rejects.toMatchObject({ code: 'scanner.unavailable' })
    const received = made.clamd.received
    pings = 0
    const refused = await Promise.allSettled(Array.from({ length: 4 }, () => made.scanner.scan(content())))
    expect(refused.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
    expect([pings, made.clamd.received, made.scanner.load().busy]).toEqual([1, received, 0])
    isAlive = true
    expect((await made.scanner.scan(content())).verdict).toBe('clean')
    pings = 0
    expect((await made.scanner.scan(content())).verdict).toBe('clean')
    expect(pings).toBe(0)
  })

  it('is not begun by one that waited for its place meanwhile', async () => {
    await using made = await setUp({ alive: () => false }, { idleSeconds: 0.05 })
    const first = made.scanner.scan(content())
    const second = made.scanner.open()
    await expect(first).rejects.toMatchObject({ code: 'scanner.unavailable' })
    await expect(second).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(made.clamd.received).toBe(12)
    expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('is waited for as long as it answers PING', async () => {
    let pings = 0
    let reply: () => void = () => undefined
    const alive = () => {
      if (++pings === 3) reply()
      return true
    }
    await using made = await setUp({ alive, onEnd: (socket) => void (reply = () => clean(socket)) }, { idleSeconds: 0.3, scanSeconds: 60 })
    expect((await made.scanner.scan(content())).verdict).toBe('clean')
    expect(pings).toBeGreaterThanOrEqual(3)
  })

  it('keeps no connections when it hangs', async () => {
    await using made = await setUp({ alive: () => false, version: () => null }, { idleSeconds: 0.05 })
    for (let i = 0; i < 5; i++) {
      await expect(made.scanner.ping()).rejects.toMatchObject({ code: 'scanner.unavailable' })
      expect((await made.scanner.state()).status).toBe('down')
    }
    await Promise.all([...made.clamd.open].map((socket) => once(socket, 'close')))
    expect(made.clamd.open.size).toBe(0)
  })
})

describe('a scan that is given up', () => {
  it('frees its place at once', async () => {
    await using made = await setUp({})
    const stop = new AbortController()
    const first = made.scanner.scan(content(), { signal: stop.signal })
    const second = made.scanner.open()
    stop.abort()
    await expect(first).rejects.toMatchObject({ name: 'AbortError' })
    const next = await second
    expect(made.scanner.load()).toEqual({ busy: 1, waiting: 0 })
    next.destroy()
    await expect(next.result()).rejects.toMatchObject({ name: 'AbortError' })
    expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('frees its place when its source fails', async () => {
    await using made = await setUp({ onEnd: clean })
    const failing = Readable.from(
      (function* () {
        yield Buffer.from('x')
        throw new Error('the client is gone')
      })(),
    )
    await expect(made.scanner.scan(failing)).rejects.toThrow('the client is gone')
    expect((await made.scanner.scan(content())).verdict).toBe('clean')
  })

  it('ends with the scanner', async () => {
    const made = await setUp({})
    const running = made.scanner.scan(content())
    const waiting = made.scanner.scan(content())
    const ended = [running, waiting].map((scan) => expect(scan).rejects.toMatchObject({ name: 'AbortError' }))
    await made[Symbol.asyncDispose]()
    await Promise.all(ended)
  })
})

describe('callers that come and go', () => {
  it('never take or keep a place that is not theirs, whenever they go', async () => {
    await using made = await setUp({ onEnd: clean }, { connections: 2 })
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const stop = new AbortController()
        const scanning = made.scanner.scan(content(), { signal: stop.signal }).then(
          ({ verdict }) => verdict,
          (error: Error) => error.name,
        )
        // Some before they are served, some while they connect, some while they send.
        for (let turn = 0; turn < index % 7; turn++) await new Promise((resolve) => setImmediate(resolve))
        if (index % 3 === 0) stop.abort()
        return await scanning
      }),
    )
    expect(outcomes.filter((_, index) => index % 3 !== 0)).toEqual(Array.from({ length: 40 }, () => 'clean'))
    for (const outcome of outcomes) expect(['clean', 'AbortError']).toContain(outcome)
    expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
    await Promise.all([...made.clamd.open].map((socket) => once(socket, 'close')))
  })

  it('wait in turn behind a clamd that answers one at a time, and are served in order', async () => {
    const replies: (() => void)[] = []
    const order: number[] = []
    let arrived = Promise.withResolvers<void>()
    const onEnd: Script['onEnd'] = (socket) => {
      replies.push(() => clean(socket))
      arrived.resolve()
    }
    await using made = await setUp({ onEnd })
    const scans = [0, 1, 2].map(async (index) => {
      await made.scanner.scan(content())
      order.push(index)
    })
    for (let served = 0; served < 3; served++) {
      await arrived.promise
      arrived = Promise.withResolvers()
      expect(made.scanner.load()).toEqual({ busy: 1, waiting: 2 - served })
      replies.shift()?.()
    }
    await Promise.all(scans)
    expect(order).toEqual([0, 1, 2])
  })
})

describe('a reply that is not what was agreed', () => {
  it.each([
    ['two verdicts at once: the first one counts', 'stream: Some.Thing FOUND\0stream: OK\0', 'infected'],
    ['a verdict and garbage behind its end', 'stream: OK\0\xff\xfe', 'clean'],
    ['binary garbage', '\x00\x01\x02', 'error'],
    ['a verdict in another mode, ended by a line', 'stream: OK\n\0', 'error'],
    ['a verdict that belongs to a path', '/tmp/x: OK\0', 'error'],
    ['blanks around it', ' stream: OK \0', 'error'],
  ])('is taken for what it is: %s', async (_, reply, verdict) => {
    await using made = await setUp({ onEnd: (socket) => void socket.end(reply, 'latin1') })
    expect((await made.scanner.scan(content())).verdict).toBe(verdict)
    expect(made.scanner.load().busy).toBe(0)
  })

  it('before a single byte of content, is no verdict on it that anybody could call clean', async () => {
    let sockets = 0
    await using made = await setUp({ onContent: (socket) => void (sockets++, socket.end('COMMAND READ TIMED OUT\0')) })
    expect(await made.scanner.scan(content())).toMatchObject({ verdict: 'error', raw: 'COMMAND READ TIMED OUT' })
    expect(sockets).toBe(1)
  })

  it('from a VERSION that fails does not let a clean verdict through', async () => {
    await using made = await setUp({ onEnd: clean, version: () => 'ClamAV 1.4.6/not a number/some day' })
    await expect(made.scanner.scan(content())).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(made.scanner.load().busy).toBe(0)
  })
})

describe('backpressure', () => {
  it('reaches the source: a clamd that does not read keeps it from giving', async () => {
    await using made = await setUp({ onContent: (socket) => void socket.pause() })
    let given = 0
    const source = Readable.from(
      (function* () {
        for (; given < 10_000; given++) yield Buffer.alloc(65_536)
      })(),
    )
    const stream = await made.scanner.open()
    const stalled = new Promise<void>((resolve) => {
      const look = (before: number) => {
        if (stream.writableNeedDrain && given === before) resolve()
        else setTimeout(look, 50, given)
      }
      look(-1)
    })
    source.pipe(stream)
    await stalled
    // What the buffers of two sockets take, of 640 MB.
    expect(given).toBeLessThan(1000)
    stream.destroy()
    source.destroy()
  })
})

describe('the state', () => {
  it('is ok with an official database, whose number and time it tells', async () => {
    await using made = await setUp({})
    expect(await made.scanner.state()).toEqual({
      status: 'ok',
      engine: 'ClamAV 1.4.6',
      database: '27791/Thu Oct 16 09:44:12 2025',
      number: 27_791,
      builtAt: new Date('2025-10-16T09:44:12Z'),
    })
  })

  it('is test-signatures without one', async () => {
    await using made = await setUp({ version: () => 'ClamAV 1.4.6' })
    expect(await made.scanner.state()).toEqual({ status: 'test-signatures', engine: 'ClamAV 1.4.6', database: '' })
  })
})
