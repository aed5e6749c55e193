import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { refreshSignatures } from './freshclam.ts'
import { openHome } from './home.ts'
import { temporaryHome } from './stack.fixtures.ts'

const never = new AbortController().signal

async function database(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const name of ['main.cvd', 'daily.cvd']) await writeFile(join(folder, name), '')
  return folder
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
})
