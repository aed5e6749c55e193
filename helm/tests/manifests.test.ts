import { variables } from '@slipway/config'
import { routeTable } from '@slipway/service'
import { describe, expect, test } from 'vitest'
import { services } from '../../cli/services.ts'
import { defaults } from './chart.fixtures.ts'

/** The values say again what the manifests know, as a chart cannot ask them. Here they are compared. */
const values = defaults()

test('every service has an entry, and no entry is without its service', () => {
  expect(Object.keys(values.services).sort()).toEqual(services.map(({ name }) => name).sort())
})

describe.each(services.map((manifest) => [manifest.name, manifest] as const))('%s', (name, manifest) => {
  const entry = values.services[name]

  test('gets the routes of its manifest', () => {
    const own = routeTable(services).filter((route) => route.service === name)
    const paths = (entry.routes as (string | { path: string })[]).map((route) => (typeof route === 'string' ? route : route.path))
    expect(paths.toSorted()).toEqual(own.map(({ prefix }) => prefix).sort())
  })

  test('has the queues of its manifest', () => {
    expect((entry.worker.queues as string[]).toSorted()).toEqual(manifest.queues.map((queue) => queue.name).sort())
  })

  test('uses object storage when its manifest has buckets', () => {
    expect(entry.storage).toBe(manifest.buckets.length > 0)
  })
})

test.each([
  ['files', '/api/v1/files', 'FILES_MAX_BYTES'],
  ['menu', '/api/v1/dishes', 'MENU_PHOTO_BYTES'],
])('the edge takes for %s as much at %s as %s allows, and the form around it', (name, path, variable) => {
  const manifest = services.find((service) => service.name === name)
  const most = Number(variables(manifest?.config ?? {}).find((each) => each.name === variable)?.fallback)
  const route = values.services[name].routes.find((each: { path?: string }) => each.path === path)
  expect(most).toBeGreaterThan(0)
  expect(route.maxBodyBytes).toBe(most + 1_048_576)
})
