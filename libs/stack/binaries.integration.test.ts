import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureBinaries, findMissingPrograms } from './binaries.ts'
import { findPostgresPackage, type PostgresBinaries, postgresBinaries } from './postgres-binaries.ts'
import { findProgram } from './programs.ts'
import { seaweedBinary } from './seaweed-binary.ts'
import { mayRead, postgresUser, type SystemUser } from './system-user.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-binaries-'))
  await chmod(folder, 0o755)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function versionOf({ initdb }: PostgresBinaries, user: SystemUser | undefined): string {
  return execFileSync(initdb, ['--version'], { encoding: 'utf8', cwd: '/', ...user })
}

describe('postgresBinaries', () => {
  it('uses the npm package in place when it is whole and readable', async () => {
    const found = await findPostgresPackage()
    const user = await postgresUser()
    if (!(await mayRead(found.folder, user))) return
    const binaries = await postgresBinaries(join(folder, 'cache'), user)
    expect(binaries.postgres).toBe(resolve(found.folder, 'native/bin/postgres'))
    await expect(stat(join(folder, 'cache'))).rejects.toThrow('ENOENT')
  })

  it('copies and completes a package that npm installed without its script, in a folder that only its owner may enter', async () => {
    const found = await findPostgresPackage()
    const closed = join(folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await cp(resolve(found.folder, 'native'), join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
    for (const link of found.links) await rm(join(closed, link.target))
    await chmod(join(closed, 'native/bin/initdb'), 0o644)
    const user = await postgresUser()
    const cache = join(folder, 'cache')
    const binaries = await postgresBinaries(cache, user, { ...found, folder: closed })
    expect(binaries.initdb.startsWith(cache)).toBe(true)
    expect(versionOf(binaries, user)).toContain('(PostgreSQL) 18')
    await rm(closed, { recursive: true })
    expect(await postgresBinaries(cache, user, { ...found, folder: closed })).toEqual(binaries)
  })

  it('says what to do when even the copy cannot be run', async () => {
    const found = await findPostgresPackage()
    const error = await postgresBinaries(folder, undefined, { ...found, folder: join(folder, 'absent') }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'not-permitted' })
  })
})

describe('seaweedBinary', () => {
  it('takes weed from the cache when the system has none', async () => {
    if (await findProgram(['weed'])) return
    await mkdir(join(folder, 'seaweedfs-4.48'))
    const program = join(folder, 'seaweedfs-4.48', 'weed')
    await writeFile(program, '', { mode: 0o755 })
    expect(await seaweedBinary(folder)).toBe(program)
  })
})

describe('ensureBinaries', () => {
  it('finds everything that the stack runs', async () => {
    const binaries = await ensureBinaries()
    expect(Object.keys(binaries).toSorted()).toEqual(['clamd', 'freshclam', 'redis', 'weed'])
    for (const program of Object.values(binaries)) expect((await stat(program)).mode & 0o111).toBeTruthy()
    expect(await findMissingPrograms()).toBeUndefined()
  })
})
