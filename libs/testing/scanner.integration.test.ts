import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eicar, jpegOf, pngOf, tarGzOf, testScanner, zipOf } from './index.ts'

const megabyte = 1024 * 1024

/** What clamd itself says of a file, without any gate of ours. */
function scan(content: Buffer): Promise<string> {
  return instream(Buffer.concat([lengthOf(content.length), content, lengthOf(0)]))
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes)
  return length
}

function instream(frames: Buffer): Promise<string> {
  const { host, port } = testScanner()
  return new Promise((done, fail) => {
    const socket = connect({ host, port })
    let reply = ''
    socket.on('connect', () => socket.write(Buffer.concat([Buffer.from('zINSTREAM\0'), frames])))
    socket.on('data', (chunk) => {
      reply += chunk.toString()
    })
    socket.on('error', (error) => (reply ? undefined : fail(error)))
    socket.on('close', () => done(reply.replace(/\0$/, '')))
  })
}

const infected = [{ name: 'eicar.com', content: eicar() }]
const found = 'stream: Eicar-Test-Signature.UNOFFICIAL FOUND'

describe('the fixtures, in the eyes of the real clamd', () => {
  it.each([
    ['plain', eicar()],
    ['in a zip', zipOf(infected)],
    ['stored in a zip', zipOf([{ name: 'eicar.com', content: eicar(), stored: true }])],
    ['in a nested zip', zipOf([{ name: 'inner.zip', content: zipOf([{ name: 'inner.zip', content: zipOf(infected) }]) }])],
    ['in a tar.gz', tarGzOf(infected)],
    ['in a zip in a tar.gz', tarGzOf([{ name: 'a.zip', content: zipOf(infected) }])],
  ])('are infected: EICAR %s', async (_, content) => {
    expect(await scan(content)).toBe(found)
  })

  it.each([
    ['a PNG', pngOf({ width: 64, height: 64 })],
    ['a JPEG', jpegOf({ width: 64, height: 64 })],
    ['a zip', zipOf([{ name: 'a.txt', content: 'harmless' }])],
    ['a tar.gz', tarGzOf([{ name: 'a.txt', content: 'harmless' }])],
    ['EICAR behind other bytes', Buffer.concat([Buffer.alloc(200_000, ' '), eicar()])],
  ])('are clean: %s', async (_, content) => {
    expect(await scan(content)).toBe('stream: OK')
  })

  it('show that an encrypted archive cannot be looked into', async () => {
    expect(await scan(zipOf(infected, { encrypted: true }))).toBe('stream: Heuristics.Encrypted.Zip FOUND')
  })

  it('show that a gzip member above MaxFileSize exceeds the limits', async () => {
    const { maxFileBytes } = testScanner()
    const content = tarGzOf([{ name: 'huge', content: Buffer.alloc(maxFileBytes + megabyte) }])
    expect(await scan(content)).toMatch(/^stream: Heuristics\.Limits\.Exceeded\.\w+ FOUND$/)
  })

  it('show what clamd passes over: a single zip member above MaxFileSize', async () => {
    const { maxFileBytes } = testScanner()
    expect(await scan(zipOf([{ name: 'huge', content: Buffer.alloc(maxFileBytes + megabyte) }]))).toBe('stream: OK')
  })

  it('show the answer to more than StreamMaxLength', async () => {
    // The length alone: clamd closes at once, and a socket that is still written to may lose the reply.
    expect(await instream(lengthOf(testScanner().maxFileBytes + 1))).toBe('INSTREAM size limit exceeded. ERROR')
  })
})
