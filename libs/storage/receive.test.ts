import { createHash, randomBytes } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { receive } from './receive.ts'

const nowhere = () => new Writable({ write: (_chunk, _encoding, callback) => callback() })
const chunksOf = (content: Buffer, size: number) =>
  Array.from({ length: Math.ceil(content.length / size) }, (_, index) => content.subarray(index * size, (index + 1) * size))

describe('receive', () => {
  it('tells size, digest, and the first and last bytes, however the content is cut', async () => {
    const content = randomBytes(200_000)
    const sha256 = createHash('sha256').update(content).digest('hex')
    for (const size of [1000, 4100, 65_536, 1_000_000]) {
      const received = await receive(Readable.from(chunksOf(content, size)), { scan: nowhere(), maxBytes: content.length })
      expect({ ...received, head: 0, tail: 0 }).toEqual({ size: 200_000, sha256, head: 0, tail: 0 })
      expect(received.head.equals(content.subarray(0, 4100))).toBe(true)
      expect(received.tail.equals(content.subarray(-received.tail.length))).toBe(true)
      expect(received.tail.length).toBeGreaterThan(65_557)
    }
  })

  it('takes nothing for content of no bytes', async () => {
    const received = await receive(Readable.from([]), { scan: nowhere(), maxBytes: 0 })
    expect(received).toMatchObject({ size: 0, sha256: createHash('sha256').digest('hex'), head: Buffer.alloc(0), tail: Buffer.alloc(0) })
  })

  it('gives every chunk to both sides before it reads the next one', async () => {
    const log: string[] = []
    const slow = (name: string) => async (chunk: Buffer) => {
      log.push(`${name} begins ${chunk.toString()}`)
      await new Promise((resolve) => setImmediate(resolve))
      log.push(`${name} has ${chunk.toString()}`)
    }
    const scanned = slow('scan')
    const write = async (chunk: Buffer, callback: () => void) => {
      await scanned(chunk)
      callback()
    }
    const scan = new Writable({ write: (chunk, _encoding, callback) => void write(chunk, callback) })
    await receive(Readable.from([Buffer.from('1'), Buffer.from('2')]), { scan, store: slow('store'), maxBytes: 10 })
    expect(log.slice(0, 4).toSorted()).toEqual(['scan begins 1', 'scan has 1', 'store begins 1', 'store has 1'])
    expect(log.slice(4).toSorted()).toEqual(['scan begins 2', 'scan has 2', 'store begins 2', 'store has 2'])
  })

  it('stops at the first byte too many and reads no further', async () => {
    let given = 0
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(10, ++given)
      })(),
      { highWaterMark: 1 },
    )
    const progress: number[] = []
    const receiving = receive(endless, { scan: nowhere(), maxBytes: 25, onProgress: (bytes) => progress.push(bytes) })
    await expect(receiving).rejects.toMatchObject({ code: 'file.too-large', status: 413, extensions: { limit: 25 } })
    expect(progress).toEqual([10, 20])
    expect(given).toBeLessThan(6)
    expect(endless.destroyed).toBe(true)
    expect((await receive(Readable.from([Buffer.alloc(25)]), { scan: nowhere(), maxBytes: 25 })).size).toBe(25)
  })

  it('fails with whatever fails first: source, scanner or store', async () => {
    const failing = Readable.from(
      (function* () {
        yield Buffer.from('x')
        throw new Error('source')
      })(),
    )
    await expect(receive(failing, { scan: nowhere(), maxBytes: 10 })).rejects.toThrow('source')
    const deaf = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('scanner')) }).on('error', () => undefined)
    await expect(receive(Readable.from([Buffer.from('x')]), { scan: deaf, maxBytes: 10 })).rejects.toThrow('scanner')
    const store = () => Promise.reject(new Error('store'))
    await expect(receive(Readable.from([Buffer.from('x')]), { scan: nowhere(), store, maxBytes: 10 })).rejects.toThrow('store')
  })
})
