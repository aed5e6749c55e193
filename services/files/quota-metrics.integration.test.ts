import type { Runtime } from '@slipway/service'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { observeQuota } from './domain/quota-metrics.ts'
import { type FilesTest, newTenant, startFiles, uploader } from './files.fixtures.ts'

let test: FilesTest
beforeAll(async () => {
  test = await startFiles()
})
afterAll(() => test[Symbol.asyncDispose]())

type Reported = [name: string, value: number, attributes?: object]

/** What one export would hold. */
async function reported(quota: { bytes: number; files: number }): Promise<Reported[]> {
  const points: Reported[] = []
  const reads: Promise<void>[] = []
  const observe: Runtime<unknown>['observe'] = (_names, read) => {
    reads.push(Promise.resolve(read((name, value, attributes) => void points.push(attributes ? [name, value, attributes] : [name, value]))))
  }
  observeQuota({ system: test.system, observe }, quota)
  await Promise.all(reads)
  return points
}

it('the quota is told as totals and as the share of the fullest tenant, however many tenants there are', async () => {
  expect(await reported({ bytes: 100, files: 10 })).toMatchObject([
    [expect.anything(), 0],
    [expect.anything(), 0],
    [expect.anything(), 0],
    {},
    {},
  ])
  const sizes = [10, 20, 50]
  for (const size of sizes) await uploader(test, { tenant: newTenant() })('a', 'x'.repeat(size))
  const many = uploader(test, { tenant: newTenant() })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await many(name, 'x')
  expect(await reported({ bytes: 100, files: 10 })).toEqual([
    ['slipway.quota.bytes', 85],
    ['slipway.quota.files', 8],
    ['slipway.quota.tenants', 4],
    ['slipway.quota.fullest', 0.5, { 'slipway.quota.resource': 'bytes' }],
    ['slipway.quota.fullest', 0.5, { 'slipway.quota.resource': 'files' }],
  ])
})

it('a quota of nothing is full', async () => {
  const points = await reported({ bytes: 0, files: 0 })
  expect(points.filter(([name]) => name === 'slipway.quota.fullest').map(([, value]) => value)).toEqual([1, 1])
})
