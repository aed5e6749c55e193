import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { refreshSignatures } from './freshclam.ts'
import { openHome } from './home.ts'
import { isAlive, temporaryHome } from './stack.fixtures.ts'
import { eventually } from './wait.ts'

const never = new AbortController().signal

async function database(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const name of ['main.cvd', 'daily.cvd']) await writeFile(join(folder, name), '')
  return folder
}

afterEach(() => {
  vi.unstubAllEnvs()
})

interface Stand {
  readonly folder: string
  readonly told: string[]
  readonly refresh: (signal?: AbortSignal) => Promise<boolean>
}

/** A home and a freshclam of our own, a script that finds the folder for the signatures in `$folder`. */
async function standWith(place: string, script: string): Promise<Stand> {
  const folder = join(place, 'signatures')
  const bin = join(place, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'freshclam'), `#!/bin/sh\nfolder='${folder}'\n${script}\n`)
  await chmod(join(bin, 'freshclam'), 0o755)
  vi.stubEnv('PATH', bin)
  const home = await openHome(place)
  await mkdir(join(place, 'clamd'))
  const told: string[] = []
  const options = { home, folder, inUse: join(place, 'test-signatures'), log: (message: string) => told.push(message) }
  return { folder, told, refresh: (signal = never) => refreshSignatures({ ...options, signal }) }
}

describe('refreshSignatures', () => {
  it('fetches nothing when the signatures are of today', async () => {
    await using place = await temporaryHome()
    const folder = await database(join(place.path, 'signatures'))
    expect(await refreshSignatures({ home: await openHome(place.path), folder, inUse: folder, signal: never })).toBe(false)
    await expect(readFile(join(place.path, 'logs', 'freshclam.log'))).rejects.toThrow('ENOENT')
  })

  it('leaves a database alone that the system keeps', async () => {
    await using place = await temporaryHome()
    const inUse = await database(join(place.path, 'of-the-system'))
    await utimes(join(inUse, 'daily.cvd'), 0, 0)
    const folder = join(place.path, 'ours')
    expect(await refreshSignatures({ home: await openHome(place.path), folder, inUse, signal: never })).toBe(false)
    await expect(readFile(join(place.path, 'logs', 'freshclam.log'))).rejects.toThrow('ENOENT')
  })

  it('ends when the part is stopped while it fetches', async () => {
    await using place = await temporaryHome()
    const folder = join(place.path, 'signatures')
    await mkdir(join(place.path, 'clamd'))
    const stopped = AbortSignal.abort()
    expect(await refreshSignatures({ home: await openHome(place.path), folder, inUse: folder, signal: stopped })).toBe(false)
  })

  it('says that the signatures are in use when they came, and keeps what freshclam said', async () => {
    await using place = await temporaryHome()
    const { told, refresh } = await standWith(place.path, 'echo "$@"; cat "$2"; touch "$folder/main.cvd" "$folder/daily.cvd"')
    expect(await refresh()).toBe(true)
    expect(told).toEqual(['clamd: the official signatures are in use'])
    const log = await readFile(join(place.path, 'logs', 'freshclam.log'), 'utf8')
    expect(log).toContain(`--config-file ${join(place.path, 'clamd', 'freshclam.conf')}`)
    expect(log).toContain(`DatabaseDirectory ${join(place.path, 'signatures')}`)
  })

  it.each([
    ['fails', 'touch "$folder/main.cvd" "$folder/daily.cvd"; exit 59'],
    ['brings a half of them only', 'touch "$folder/main.cvd"'],
    ['brings nothing', 'exit 0'],
  ])('goes on without them when freshclam %s', async (_, script) => {
    await using place = await temporaryHome()
    const { told, refresh } = await standWith(place.path, script)
    expect(await refresh()).toBe(false)
    expect(told).toEqual(['clamd: freshclam cannot reach its mirror, see freshclam.log'])
  })

  it('fetches again what is older than a day', async () => {
    await using place = await temporaryHome()
    const { folder, refresh } = await standWith(place.path, 'touch "$folder/called"')
    await database(folder)
    await utimes(join(folder, 'daily.cvd'), 0, 0)
    expect(await refresh()).toBe(true)
    await readFile(join(folder, 'called'))
  })

  it('ends a freshclam that is at work when the part is stopped', async () => {
    await using place = await temporaryHome()
    const { folder, refresh } = await standWith(
      place.path,
      'echo $$ > "$folder/pid.new"; mv "$folder/pid.new" "$folder/pid"; exec sleep 600',
    )
    const stop = new AbortController()
    const refreshed = refresh(stop.signal)
    const pid = async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => '0'))
    expect(await eventually(async () => (await pid()) > 0, 20)).toBe(true)
    stop.abort()
    expect(await refreshed).toBe(false)
    expect(await eventually(async () => !(await isAlive(await pid())), 20)).toBe(true)
  })
})
