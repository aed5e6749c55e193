import { inject } from 'vitest'

const megabyte = 1024 * 1024

/**
 * Limits of the tests' clamd: small, so that files beyond them are cheap to make. It may scan more than the largest file has: one random content of
 * 9 MiB in 128 holds, before its last MiB, four bytes that clamd takes for the head of an archive, and counts what follows them once more.
 */
export const scannerLimits = { maxFileBytes: 10 * megabyte, streamMaxBytes: 10 * megabyte, maxScanBytes: 40 * megabyte } as const

/** What the global setup hands to every test file. */
export interface TestStores {
  postgres: { adminUrl: string }
  clamd: { host: string; port: number }
  storage: { endpoint: string; region: string; accessKey: string; secretKey: string }
}

declare module 'vitest' {
  interface ProvidedContext {
    slipwayStores: TestStores
  }
}

export function testStores(): TestStores {
  const stores = inject('slipwayStores')
  if (!stores) throw new Error('no stores are running: name this file *.integration.test.ts, so that vitest starts them')
  return stores
}
