import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { countsAllocated } from './v8-version.ts'

const run = promisify(execFile)
const fixture = fileURLToPath(new URL('buffers.fixtures.ts', import.meta.url))

async function majorCollections(...preload: string[]): Promise<number> {
  const { stdout } = await run(process.execPath, [...preload, fixture], { cwd: import.meta.dirname })
  return Number(stdout)
}

describe('external memory', () => {
  it.each([
    ['13.6.233.17-node.53', true],
    ['14.7.1', true],
    ['14.8.0', false],
    ['15.0.4', false],
  ])('V8 %s counts what was allocated: %s', (version, expected) => {
    expect(countsAllocated(version)).toBe(expected)
  })

  it.runIf(countsAllocated(process.versions.v8))('buffers that pass cost far fewer major collections', async () => {
    const plain = await majorCollections()
    expect(plain).toBeGreaterThanOrEqual(6)
    expect(await majorCollections('--import', '@slipway/service/external-memory')).toBeLessThanOrEqual(plain / 2)
  })

  it.runIf(countsAllocated(process.versions.v8))('so they do in every process of a service', async () => {
    const plain = await majorCollections()
    expect(await majorCollections('--import', '@slipway/service/preload')).toBeLessThanOrEqual(plain / 2)
  })
})
