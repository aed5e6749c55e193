import { readConfig } from '@slipway/config'
import { checkManifests, routeTable } from '@slipway/service'
import { describe, expect, it } from 'vitest'
import { modelGeneration } from './jobs/model-generation.ts'
import { menu } from './service.ts'

describe('the manifest', () => {
  it('fits together', () => {
    expect(() => checkManifests([menu])).not.toThrow()
    expect(
      routeTable([menu])
        .map(({ prefix }) => prefix)
        .sort(),
    ).toEqual(['/api/v1/dishes', '/api/v1/menu', '/api/v1/menus', '/api/v1/public'])
  })

  it('asks for a role and a scope on every route but those that are public', () => {
    for (const { contract } of menu.routes) {
      if (contract.path.startsWith('/api/v1/public/')) expect(contract).toMatchObject({ auth: 'none', method: 'GET', rate: { by: 'ip' } })
      else expect(contract.auth).toEqual({ role: expect.any(String), scope: expect.stringMatching(/^(menu|audit):/) })
    }
  })

  it('asks for more than reading where something is changed', () => {
    for (const { contract } of menu.routes)
      if (contract.method !== 'GET') expect(contract.auth).toMatchObject({ role: 'member', scope: 'menu:write' })
  })

  it('loads a processor for every queue, and has schedules that satisfy theirs', async () => {
    for (const queue of menu.queues) expect(await queue.processor()).toMatchObject({ process: expect.any(Function) })
    for (const { queue, payload } of menu.schedules) expect(queue.payload.safeParse(payload).success).toBe(true)
  })

  it('has an example for every answer with a body, and the example satisfies its schema', () => {
    for (const { contract } of menu.routes) {
      for (const response of Object.values(contract.responses)) {
        if ('schema' in response && response.schema) expect(response.schema.safeParse(response.example).error).toBeUndefined()
      }
    }
  })
})

describe('the configuration', () => {
  const limitsOf = (environment: Record<string, string>) => menu.limits?.(readConfig(menu.config, environment))[modelGeneration.name]

  it('makes ten models a minute and two at a time, as the queue declares, unless told otherwise', () => {
    const { concurrency, rate } = modelGeneration
    expect(limitsOf({})).toEqual({ concurrency, rate })
    const told = limitsOf({ MENU_MODELS_PER_MINUTE: '90', MENU_MODEL_CONCURRENCY: '4' })
    expect(told).toEqual({ concurrency: 4, rate: { max: 90, duration: 60_000 } })
  })

  it('refuses photos above the limit of the scanner, naming both', async () => {
    const config = readConfig(menu.config, { MENU_PHOTO_BYTES: '2000' })
    const runtime = { config, platform: { scanner: { maxFileBytes: 1000 } } } as unknown as Parameters<typeof menu.context>[0]
    await expect(async () => menu.context(runtime)).rejects.toThrow(/MENU_PHOTO_BYTES is 2000, above CLAMAV_MAX_FILE_BYTES \(1000\)/)
  })
})

describe('the name of the work', () => {
  const payload = { version: 1 as const, tenantId: '0', dishId: 'd', modelId: 'm', digest: '0123456789abcdef' }

  it('is the dish and what goes into the model, whichever request it is', () => {
    expect(modelGeneration.jobId?.(payload)).toBe('model-d-0123456789ab')
    expect(modelGeneration.jobId?.({ ...payload, modelId: 'other' })).toBe('model-d-0123456789ab')
  })
})
