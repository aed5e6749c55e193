import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Part, startClamd, startPostgres, startRedis, startSeaweed } from './index.ts'
import { isAlive, processesIn, temporaryHome } from './stack.fixtures.ts'

/** What shells, configuration files and lists of folders take for something else. */
const names = ['a, b – 家 #1', `it's "x" $HOME %s \\n; *?[a]`]

const parts: Record<string, (home: string) => Promise<Part>> = {
  postgres: (home) => startPostgres({ home, durable: false }),
  redis: (home) => startRedis({ home }),
  clamd: (home) => startClamd({ home, signatures: 'test', maxFileBytes: 1024 * 1024 }),
  seaweed: (home) => startSeaweed({ home, durable: false }),
}

describe.each(names)('a home with the name %s', (name) => {
  it.each(Object.keys(parts))('is one for %s: data, log and pid file are in it, and nothing runs after the stop', async (part) => {
    await using place = await temporaryHome()
    const home = join(place.path, name)
    await mkdir(home)
    const running = await parts[part]?.(home)
    expect(JSON.parse(await readFile(join(home, 'run', `${part}.pid`), 'utf8'))).toMatchObject({ pid: running?.pid })
    expect((await stat(join(home, 'logs', `${part}.log`))).size).toBeGreaterThan(0)
    expect(await readdir(join(home, part))).not.toEqual([])
    expect(await readdir(place.path)).toEqual([name])
    await running?.stop()
    expect(await isAlive(running?.pid ?? 0)).toBe(false)
    expect(await readdir(join(home, 'run'))).toEqual([])
    expect(await processesIn(home)).toEqual([])
  })
})
