import { testStorage } from '@slipway/testing'
import { expect, test } from 'vitest'
import { openVault } from './backup.ts'
import { createStorage, type StorageOptions } from './index.ts'

async function diagnosed(change: Partial<StorageOptions> = {}, bucket = 'files') {
  await using space = await testStorage()
  await using owner = createStorage(space.config)
  await owner.ensureBuckets(['files'])
  await using storage = createStorage({ ...space.config, ...change })
  return await storage.diagnose(bucket)
}

test('a bucket that can be used has no fault, and the time of the store is known', async () => {
  const { fault, now } = await diagnosed()
  expect(fault).toBeNull()
  expect(Math.abs((now ?? 0) - Date.now())).toBeLessThan(60_000)
})

test('it leaves nothing in the bucket', async () => {
  await using space = await testStorage()
  await using storage = createStorage(space.config)
  await storage.ensureBuckets(['files'])
  await storage.diagnose('files')
  await using vault = openVault({ ...space.config, bucket: `${space.bucketPrefix}files` })
  for await (const objects of vault.list('')) expect(objects).toEqual([])
})

test.each([
  ['missing', {}, 'absent'],
  ['keys', { secretKey: 'another' }, 'files'],
  ['keys', { accessKey: 'nobody' }, 'files'],
] as const)('%s with %o', async (fault, change, bucket) => {
  expect(await diagnosed(change, bucket)).toMatchObject({ fault, detail: expect.stringMatching(/^\w+ \(\d{3}\): ./) })
})

test('a store that cannot be reached is unavailable', async () => {
  await expect(diagnosed({ endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'storage.unavailable' })
})
