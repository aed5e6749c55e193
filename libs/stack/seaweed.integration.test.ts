import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { freePort, type SeaweedPart, startSeaweed } from './index.ts'
import { listeningAddresses, loopback, onLinux, orphan, s3, temporaryHome } from './stack.fixtures.ts'

const megabyte = 1024 * 1024

async function put(part: SeaweedPart, path: string, body: Buffer): Promise<number> {
  const answer = await s3(part, ['PUT', path], body)
  await answer.arrayBuffer()
  return answer.status
}

async function get(part: SeaweedPart, path: string): Promise<{ status: number; body: Buffer }> {
  const answer = await s3(part, ['GET', path])
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
}

async function makeBucket(part: SeaweedPart, name: string): Promise<void> {
  expect((await s3(part, ['PUT', `/${name}`])).status).toBe(200)
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

describe('startSeaweed', () => {
  it('stores and gives back what its key writes, as soon as it has started', async () => {
    await using home = await temporaryHome()
    await using part = await startSeaweed({ home: home.path, durable: false })
    await makeBucket(part, 'first')
    const content = Buffer.alloc(9 * megabyte, 'content')
    expect(await put(part, '/first/large', content)).toBe(200)
    const { status, body } = await get(part, '/first/large')
    expect(status).toBe(200)
    expect(digest(body)).toBe(digest(content))
  })

  it('refuses who has no key or a wrong one', async () => {
    await using home = await temporaryHome()
    await using part = await startSeaweed({ home: home.path, durable: false })
    expect((await fetch(part.endpoint)).status).toBe(403)
    expect((await s3({ ...part, secretKey: 'wrong' }, ['GET', '/'])).status).toBe(403)
    expect((await s3(part, ['GET', '/'])).status).toBe(200)
  })

  it.runIf(onLinux)('listens on 127.0.0.1 only, with all its ports', async () => {
    await using home = await temporaryHome()
    await using part = await startSeaweed({ home: home.path, durable: false })
    const addresses = await listeningAddresses(part.pid)
    expect(addresses.length).toBeGreaterThanOrEqual(8)
    expect(new Set(addresses)).toEqual(new Set([loopback]))
  })

  it('keeps objects and keys over a restart on another port', async () => {
    await using home = await temporaryHome()
    const first = await startSeaweed({ home: home.path })
    await makeBucket(first, 'kept')
    expect(await put(first, '/kept/object', Buffer.from('before'))).toBe(200)
    await first.stop()
    await using second = await startSeaweed({ home: home.path, port: await freePort(), durable: false })
    expect(second.accessKey).toBe(first.accessKey)
    expect((await get(second, '/kept/object')).body.toString()).toBe('before')
    expect(await put(second, '/kept/another', Buffer.from('after'))).toBe(200)
  })

  it('keeps what it has acknowledged when it is killed', async () => {
    await using home = await temporaryHome()
    const first = await startSeaweed({ home: home.path })
    await makeBucket(first, 'kept')
    const content = Buffer.alloc(5 * megabyte, 'acknowledged')
    const names = Array.from({ length: 20 }, (_, index) => `/kept/${index}`)
    for (const name of names) expect(await put(first, name, content)).toBe(200)
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    await using second = await startSeaweed({ home: home.path, port: first.port, durable: false })
    for (const name of names) expect(digest((await get(second, name)).body)).toBe(digest(content))
  })

  it('has room for many buckets', async () => {
    await using home = await temporaryHome()
    await using part = await startSeaweed({ home: home.path, durable: false })
    for (let index = 0; index < 40; index++) {
      await makeBucket(part, `bucket-${index}`)
      expect(await put(part, `/bucket-${index}/object`, Buffer.from('x'))).toBe(200)
    }
  })

  it('runs side by side with another home, takes over from an orphan, and leaves no sockets in /tmp', async () => {
    await using one = await temporaryHome()
    await using two = await temporaryHome()
    const [first, second] = await Promise.all([
      startSeaweed({ home: one.path, durable: false }),
      startSeaweed({ home: two.path, durable: false }),
    ])
    await makeBucket(first, 'one')
    expect((await get(second, '/one')).status).toBe(404)
    await orphan(one.path, 'seaweed')
    const third = await startSeaweed({ home: one.path, port: first.port, durable: false })
    await first.exited
    expect((await get(third, '/one')).status).toBe(200)
    await Promise.all([second.stop(), third.stop()])
    const sockets = (await readdir('/tmp')).filter((name) => name.startsWith('seaweedfs-') && name.includes(String(third.port)))
    expect(sockets).toEqual([])
  })
})
