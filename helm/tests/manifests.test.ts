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
    expect((entry.routes as string[]).toSorted()).toEqual(own.map(({ prefix }) => prefix).sort())
  })

  test('has the queues of its manifest', () => {
    expect((entry.worker.queues as string[]).toSorted()).toEqual(manifest.queues.map((queue) => queue.name).sort())
  })

  test('uses object storage when its manifest has buckets', () => {
    expect(entry.storage).toBe(manifest.buckets.length > 0)
  })
})
