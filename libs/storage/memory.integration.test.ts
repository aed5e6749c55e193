import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startClamd } from '@slipway/stack'
import { testScanner, testStorage } from '@slipway/testing'
import { describe, expect, it } from 'vitest'
import type { Measurement } from './memory.fixtures.ts'
import { createStorage } from './storage.ts'

const mebibyte = 1_048_576
const run = promisify(execFile)

/** By how many bytes a process of its own grew at most. */
async function growthOf(measurement: Omit<Measurement, 'storage'>): Promise<number> {
  const { config } = await testStorage()
  await using storage = createStorage(config)
  await storage.ensureBuckets(['files'])
  const script = fileURLToPath(new URL('memory.fixtures.ts', import.meta.url))
  const { stdout } = await run(process.execPath, [script, JSON.stringify({ ...measurement, storage: config })])
  return (JSON.parse(stdout) as { growth: number }).growth
}

describe('memory', () => {
  it('does not grow with the size of an upload', async () => {
    const home = await mkdtemp(join(tmpdir(), 'slipway-clamd-'))
    const bytes = 256 * mebibyte
    const clamd = await startClamd({ home, signatures: 'test', maxFileBytes: bytes })
    try {
      const scanner = { host: clamd.host, port: clamd.port, maxFileBytes: bytes }
      expect(await growthOf({ scanner, bytes, uploads: 1 })).toBeLessThan(128 * mebibyte)
    } finally {
      await clamd.stop()
      await rm(home, { recursive: true })
    }
  })

  it('does not grow with the number of uploads that wait', async () => {
    const growth = await growthOf({ scanner: testScanner(), bytes: 9 * mebibyte, uploads: 50 })
    expect(growth).toBeLessThan(192 * mebibyte)
  })
})
