import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runFolder, sweepRunFolders } from './run-folder.ts'

it('sweeps folders of processes that are gone, and no others', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const dead = join(tmpdir(), `slipway-run-${pid}-dead`)
  const foreign = join(tmpdir(), `slipway-running-${pid}`)
  await Promise.all([mkdir(dead), mkdir(foreign)])
  const own = await runFolder()
  await sweepRunFolders()
  expect([dead, foreign, own].map((path) => existsSync(path))).toEqual([false, true, true])
  await Promise.all([rm(foreign, { recursive: true }), rm(own, { recursive: true })])
})
