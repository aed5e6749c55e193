import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { identify } from './identity.ts'
import { acquireLock, lockHolder } from './lock.ts'

const lockFile = () => join(temporaryFolder(), 'supervisor.lock')
const gone = { pid: process.pid, started: 'an earlier process of this number' }

test('is held until it is disposed of, and leaves nothing but itself meanwhile', () => {
  const file = lockFile()
  {
    using _lock = acquireLock(file)
    expect(lockHolder(file)).toEqual(identify(process.pid))
    expect(readdirSync(dirname(file))).toEqual(['supervisor.lock'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  }
  expect(readdirSync(dirname(file))).toEqual([])
})

test('is refused while its holder lives, who is named and keeps it', () => {
  const file = lockFile()
  using _lock = acquireLock(file)
  const before = readFileSync(file, 'utf8')
  expect(() => acquireLock(file)).toThrow(`process ${process.pid} is starting or stopping this stack right now`)
  expect(readFileSync(file, 'utf8')).toBe(before)
  expect(readdirSync(dirname(file))).toEqual(['supervisor.lock'])
})

test.each([
  ['a process that is gone', JSON.stringify(gone)],
  ['nobody that can be told', ''],
  ['half of a process', '{"pid": 1'],
  ['no process at all', '{}'],
  ['nothing', 'null'],
])('is taken over from %s', (_, text) => {
  const file = lockFile()
  writeFileSync(file, text)
  expect(lockHolder(file)).toBeNull()
  {
    using _lock = acquireLock(file)
    expect(lockHolder(file)).toEqual(identify(process.pid))
    expect(readdirSync(dirname(file))).toEqual(['supervisor.lock'])
  }
  expect(existsSync(file)).toBe(false)
})

test('is not taken over while another one is about to, and also when that one was killed', () => {
  const file = lockFile()
  writeFileSync(file, JSON.stringify(gone))
  {
    using _turn = acquireLock(`${file}.turn`)
    expect(() => acquireLock(file)).toThrow(`process ${process.pid} is starting or stopping`)
    expect(readFileSync(file, 'utf8')).toBe(JSON.stringify(gone))
  }
  writeFileSync(`${file}.turn`, JSON.stringify(gone))
  using _lock = acquireLock(file)
  expect(lockHolder(file)).toEqual(identify(process.pid))
  expect(readdirSync(dirname(file))).toEqual(['supervisor.lock'])
})

test('of many processes at once that find a stale one, exactly one gets it', { timeout: 60_000 }, async () => {
  const file = lockFile()
  writeFileSync(file, JSON.stringify(gone))
  const program = `
    const { acquireLock } = await import(${JSON.stringify(new URL('./lock.ts', import.meta.url).href)})
    process.stdout.write('r')
    process.stdin.once('data', () => {
      try { acquireLock(${JSON.stringify(file)}); process.stdout.write('+') } catch { process.stdout.write('-') }
    })`
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const answer = async (child: (typeof children)[number]) => String((await once(child.stdout, 'data'))[0])
  expect(await Promise.all(children.map(answer))).toEqual(Array(6).fill('r'))
  const answers = children.map(answer)
  for (const child of children) child.stdin.write('go')
  expect((await Promise.all(answers)).toSorted().join('')).toBe('+-----')
  const exits = children.map((child) => once(child, 'exit'))
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(exits)
})
