import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clamdCommand } from './clamd-control.ts'
import { replaceTestDatabase } from './clamd-signatures.ts'
import { eicar, freePort, startClamd } from './index.ts'
import { instream, listeningAddresses, loopback, onLinux, orphan, temporaryHome } from './stack.fixtures.ts'

const small = { signatures: 'test', maxFileBytes: 1024 * 1024 } as const

describe('startClamd', () => {
  it('finds EICAR, and nothing in other content', async () => {
    await using home = await temporaryHome()
    await using part = await startClamd({ home: home.path, ...small })
    expect(part.signatures).toBe('test')
    expect(await instream(part.port, eicar())).toBe('stream: Eicar-Test-Signature.UNOFFICIAL FOUND')
    expect(await instream(part.port, Buffer.from('harmless'))).toBe('stream: OK')
    expect(await instream(part.port, Buffer.alloc(0))).toBe('stream: OK')
  })

  it('answers more than the limit with an error and not with OK', async () => {
    await using home = await temporaryHome()
    await using part = await startClamd({ home: home.path, ...small })
    expect(await instream(part.port, Buffer.alloc(small.maxFileBytes + 1))).toBe('INSTREAM size limit exceeded. ERROR')
  })

  it.runIf(onLinux)('listens on 127.0.0.1 only', async () => {
    await using home = await temporaryHome()
    await using part = await startClamd({ home: home.path, ...small })
    expect(await listeningAddresses(part.pid)).toEqual([loopback])
  })

  it('starts with the test signature when freshclam brings nothing', async () => {
    await using home = await temporaryHome()
    await using part = await startClamd({ home: home.path, cache: join(home.path, 'cache'), maxFileBytes: 1024 })
    expect(['test', 'real']).toContain(part.signatures)
    expect(await instream(part.port, eicar())).toMatch(/FOUND$/)
  })

  it('runs side by side with another home', async () => {
    await using one = await temporaryHome()
    await using two = await temporaryHome()
    await using first = await startClamd({ home: one.path, ...small })
    await using second = await startClamd({ home: two.path, ...small })
    expect(await clamdCommand(first.port, 'PING')).toBe('PONG')
    expect(await clamdCommand(second.port, 'PING')).toBe('PONG')
  })

  it('takes over from an orphan that holds the port', async () => {
    await using home = await temporaryHome()
    const port = await freePort()
    const first = await startClamd({ home: home.path, port, ...small })
    await orphan(home.path, 'clamd')
    await using second = await startClamd({ home: home.path, port, ...small })
    await first.exited
    expect(await clamdCommand(second.port, 'PING')).toBe('PONG')
  })

  it('tells the exit of a server that dies', async () => {
    await using home = await temporaryHome()
    const first = await startClamd({ home: home.path, ...small })
    process.kill(first.pid, 'SIGKILL')
    expect(await first.exited).toBeNull()
    await using second = await startClamd({ home: home.path, port: first.port, ...small })
    expect(await clamdCommand(second.port, 'PING')).toBe('PONG')
  })

  it('refuses limits that let bytes through unscanned', async () => {
    await using home = await temporaryHome()
    await expect(startClamd({ home: home.path, maxFileBytes: 1000, streamMaxBytes: 2000 })).rejects.toThrow(RangeError)
  })
})

describe('a reload', () => {
  it('follows soon upon scans: until it is through, nobody is answered', async () => {
    await using home = await temporaryHome()
    await using part = await startClamd({ home: home.path, ...small })
    await Promise.all(Array.from({ length: 4 }, () => instream(part.port, Buffer.from('harmless'))))
    expect(await clamdCommand(part.port, 'RELOAD')).toBe('RELOADING')
    const log = () => readFile(join(home.path, 'logs', 'clamd.log'), 'utf8')
    await expect.poll(log, { timeout: 15_000 }).toContain('Activating the newly loaded database')
    expect(await clamdCommand(part.port, 'PING')).toBe('PONG')
  })
})

describe('replaceTestDatabase', () => {
  it('gives a running clamd another database', async () => {
    await using home = await temporaryHome()
    await using part = await startClamd({ home: home.path, ...small })
    const signatures = join(home.path, 'clamd', 'signatures')
    const real = join(home.path, 'real')
    await mkdir(real)
    for (const name of ['main.cvd', 'daily.cld', 'freshclam.dat']) await writeFile(join(real, name), '')
    await replaceTestDatabase(signatures, real)
    expect((await readdir(signatures)).toSorted()).toEqual(['daily.cld', 'main.cvd'])
    expect(await clamdCommand(part.port, 'RELOAD')).toBe('RELOADING')
  })
})
