import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { freePort } from '@slipway/stack'
import { tarOf, type ZipEntry, zipOf } from '@slipway/testing'
import { describe, expect, it } from 'vitest'
import { type AheadOptions, scanAhead } from './ahead.ts'
import { centralAt, patched } from './archive.fixtures.ts'
import { fakeClamd, type Script } from './fake-clamd.fixtures.ts'
import { archiveLimits } from './inspect.ts'
import { createScanner, type ScannerOptions } from './scanner.ts'

const limits = archiveLimits(100 * 1_048_576)
const members = (count: number, bytes = 1000): ZipEntry[] =>
  Array.from({ length: count }, (_, index) => ({ name: `${index}`, content: randomBytes(bytes) }))
const reply = (text: string) => (socket: Socket) => void socket.end(`stream: ${text}\0`)
const clean = reply('OK')

async function setUp(script: Script, changes: Partial<ScannerOptions> = {}) {
  const stack = new AsyncDisposableStack()
  let scans = 0
  const clamd = stack.use(
    await fakeClamd({
      ...script,
      onEnd(socket) {
        scans++
        script.onEnd?.(socket)
      },
    }),
  )
  const common = { connections: 12, queueSeconds: 600, idleSeconds: 600, maxFileBytes: limits.maxFileBytes }
  const scanner = stack.use(createScanner({ host: clamd.host, port: clamd.port, ...common, ...changes }))
  const stop = new AbortController()
  return {
    clamd,
    scanner,
    stop,
    get scans() {
      return scans
    },
    ahead: (options: Partial<AheadOptions> = {}) => scanAhead({ scanner, limits, signal: stop.signal, batchBytes: 5000, ...options }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Slowly: each chunk when nothing is under way any more. */
async function feed(ahead: ReturnType<typeof scanAhead>, content: Buffer, chunkBytes = 2000) {
  for (let at = 0; at < content.length; at += chunkBytes) {
    ahead.add(content.subarray(at, at + chunkBytes))
    await ahead.settled()
  }
}

describe('members', () => {
  it.each([
    ['zip', zipOf(members(22))],
    ['tar', tarOf(members(22))],
  ])('of a %s go ahead in batches, and all of it is walked through', async (_, content) => {
    await using made = await setUp({ onEnd: clean })
    const ahead = made.ahead()
    await feed(ahead, content)
    expect(await ahead.finish()).toBe(true)
    expect(made.scans).toBeGreaterThan(2)
    expect(ahead.members).toBeGreaterThan(14)
    // The last ones are left to the scan of the whole.
    expect(ahead.members).toBeLessThan(22)
  })

  it('stay when there are too few for a batch, and what is no archive is not looked at', async () => {
    await using made = await setUp({ onEnd: clean })
    const small = zipOf(members(4))
    for (const [content, isWalked] of [
      [small, true],
      [gzipSync(small), false],
      [randomBytes(50_000), false],
      [Buffer.alloc(0), false],
    ] as const) {
      const ahead = made.ahead()
      await feed(ahead, content)
      expect(await ahead.finish()).toBe(isWalked)
    }
    expect(made.clamd.received).toBe(0)
  })

  it('that are large go in pieces as they come, up to 8 MiB', async () => {
    await using made = await setUp({ onEnd: clean })
    const ahead = made.ahead()
    const [large, huge] = [randomBytes(1_048_576), randomBytes(9 * 1_048_576)]
    const content = tarOf([
      { name: 'large', content: large },
      { name: 'huge', content: huge },
      { name: 'last', content: large },
    ])
    await feed(ahead, content, 100_000)
    expect(await ahead.finish()).toBe(true)
    expect(ahead.members).toBe(2)
  })

  it('of an archive that is refused are no reason to believe it', async () => {
    await using made = await setUp({ onEnd: clean })
    const zip = zipOf(members(20))
    const hidden = Buffer.concat([zip.subarray(0, centralAt(zip)), zip])
    for (const content of [hidden, patched(zip, centralAt(zip) + 20, [1, 4]), zip.subarray(0, -1)]) {
      const ahead = made.ahead()
      await feed(ahead, content)
      expect(await ahead.finish()).toBe(false)
    }
  })
})

describe('others come first', () => {
  it('so it never has more than two scans, and none when half of the places are taken or somebody waits', async () => {
    const held: Socket[] = []
    await using made = await setUp({ onEnd: (socket) => held.push(socket) })
    const ahead = made.ahead()
    for (const chunk of [zipOf(members(60))]) ahead.add(chunk)
    await ahead.finish()
    expect(made.scanner.load().busy).toBeLessThanOrEqual(2)
    ahead.stop()

    await using few = await setUp({ onEnd: clean }, { connections: 2 })
    const whole = await few.scanner.open()
    const yielding = few.ahead()
    await feed(yielding, zipOf(members(20)))
    expect(few.clamd.received).toBe(0)
    whole.destroy()
  })

  it('so nothing begins behind the last byte', async () => {
    await using made = await setUp({ onEnd: clean })
    const ahead = made.ahead()
    ahead.add(zipOf(members(60)))
    expect(await ahead.finish()).toBe(true)
    await ahead.settled()
    expect(made.scans).toBe(0)
    expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('so it ends when clamd is slow', async () => {
    let clock = 0
    const slow = (socket: Socket) => {
      clock += 1500
      clean(socket)
    }
    await using made = await setUp({ onEnd: slow }, { now: () => clock })
    const ahead = made.ahead()
    await feed(ahead, zipOf(members(40)))
    expect(made.scans).toBe(1)
    expect(await ahead.finish()).toBe(true)
  })

  it('so an upload that is faster than the walk is let go', async () => {
    await using made = await setUp({ onEnd: clean })
    const ahead = made.ahead()
    for (let chunks = 0; chunks < 50; chunks++) ahead.add(tarOf(members(1, 100_000)))
    expect(await ahead.finish()).toBe(false)

    // Where it stops the archive might as well have ended.
    const late = made.ahead()
    await feed(late, tarOf(members(3, 512)).subarray(0, 3 * 1024))
    late.add(Buffer.alloc(3 * 1_048_576))
    expect(await late.finish()).toBe(false)
  })
})

describe('it decides nothing', () => {
  it.each([
    ['finds something', reply('Evil FOUND')],
    ['is over its limits', reply('Heuristics.Limits.Exceeded.MaxScanSize FOUND')],
    ['cuts the connection', (socket: Socket) => void socket.destroy()],
    ['says what is not known', reply('what')],
  ])('and ends when clamd %s: the scan of the whole will tell', async (_, onEnd) => {
    await using made = await setUp({ onEnd })
    const ahead = made.ahead()
    await feed(ahead, zipOf(members(40)))
    expect(await ahead.finish()).toBe(false)
    expect(ahead.members).toBe(0)
    expect(made.scans).toBe(1)
    expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('and never throws when clamd is away', async () => {
    await using made = await setUp({}, { port: await freePort() })
    const ahead = made.ahead()
    await feed(ahead, zipOf(members(20)))
    expect(await ahead.finish()).toBe(false)
    expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('and gives its places back at once when it is stopped, by its signal too', async () => {
    for (const how of ['stop', 'signal'] as const) {
      await using made = await setUp({})
      const ahead = made.ahead()
      const tar = tarOf(members(20, 3000))
      ahead.add(tar.subarray(0, tar.length / 2))
      while (made.scans === 0) await new Promise((resolve) => setImmediate(resolve))
      const closed = Promise.all([...made.clamd.open].map((socket) => once(socket, 'close')))
      if (how === 'stop') ahead.stop()
      else made.stop.abort(new Error('the client is gone'))
      expect(await ahead.finish()).toBe(false)
      await closed
      expect(made.scanner.load()).toEqual({ busy: 0, waiting: 0 })
    }
  })

  it('and looks at nothing when its signal was aborted before', async () => {
    await using made = await setUp({ onEnd: clean })
    made.stop.abort()
    const ahead = made.ahead()
    await feed(ahead, zipOf(members(20)))
    expect(await ahead.finish()).toBe(false)
    expect(made.clamd.received).toBe(0)
  })
})
