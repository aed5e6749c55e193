import { readConfig } from '@slipway/config'
import { checkManifests } from '@slipway/service'
import { describe, expect, it } from 'vitest'
import { files } from './service.ts'

// What a browser asks before it has credentials.
const asked = files.routes.filter(({ method }) => method !== 'OPTIONS')

describe('the manifest', () => {
  it('fits together', () => {
    expect(() => checkManifests([files])).not.toThrow()
  })

  it('asks for a role and a scope on every route', () => {
    for (const { contract } of asked) expect(contract.auth).toEqual({ role: expect.any(String), scope: expect.any(String) })
  })

  it('asks for more than reading where something is changed or refused files are shown', () => {
    for (const { contract } of asked) {
      const { scope } = contract.auth as { scope: string }
      if (contract.method !== 'GET') expect(scope).toMatch(/^files:(write|admin)$/)
      if (contract.path.startsWith('/api/v1/quarantine')) expect(scope).toBe('files:admin')
    }
  })

  it('loads a processor for every queue', async () => {
    for (const queue of files.queues) expect(await queue.processor()).toMatchObject({ process: expect.any(Function) })
  })

  it('has schedules whose payloads satisfy their queues', () => {
    for (const { queue, payload } of files.schedules) expect(queue.payload.safeParse(payload).success).toBe(true)
  })

  it('has an example for every answer with a body, and the example satisfies its schema', () => {
    for (const { contract } of files.routes) {
      for (const response of Object.values(contract.responses)) {
        if ('schema' in response && response.schema) expect(response.schema.safeParse(response.example).error).toBeUndefined()
      }
    }
  })
})

describe('the configuration', () => {
  const runtime = (environment: Record<string, string>, maxFileBytes: number) => {
    const own = <T>(resource: T) => resource
    return {
      config: readConfig(files.config, environment),
      platform: { scanner: { maxFileBytes }, auth: {} },
      own,
    } as unknown as Parameters<typeof files.context>[0]
  }

  it('defaults to 1 GiB per file and 64 MiB that are waited for', async () => {
    const { limits } = await files.context(runtime({}, 1_073_741_824))
    expect(limits).toMatchObject({ fileBytes: 1_073_741_824, syncBytes: 67_108_864 })
    expect(limits.retention).toEqual({ versionsKept: 20, versionDays: 90, trashDays: 30, most: { versionsKept: 100, days: 3650 } })
  })

  it('refuses a limit above that of the scanner, naming both', () => {
    expect(() => files.context(runtime({ FILES_MAX_BYTES: '2000' }, 1000))).toThrow(
      /FILES_MAX_BYTES is 2000, above CLAMAV_MAX_FILE_BYTES \(1000\)/,
    )
  })
})
