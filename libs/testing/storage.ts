import { randomBytes } from 'node:crypto'
import { testStores } from './stores.ts'

export interface TestStorageConfig {
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  readonly pathStyle: true
  readonly bucketPrefix: string
}

export interface TestStorage extends AsyncDisposable {
  /** Fits `createStorage`. */
  readonly config: TestStorageConfig
  readonly bucketPrefix: string
}

/** A bucket prefix of its own in the object store of the run. Buckets go away with the store at the end of the run. */
export function testStorage(): Promise<TestStorage> {
  const bucketPrefix = `t${randomBytes(6).toString('hex')}-`
  const config = { ...testStores().storage, pathStyle: true as const, bucketPrefix }
  return Promise.resolve({ config, bucketPrefix, [Symbol.asyncDispose]: () => Promise.resolve() })
}
