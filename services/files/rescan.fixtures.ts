import { afterAll, beforeAll, beforeEach } from 'vitest'
import { type CallOptions, type FilesTest, newTenant, runJob, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { fileIsolation } from './jobs/file-isolation.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { type MovingClamd, movingClamd } from './signatures.fixtures.ts'

const versionMilliseconds = 6000

/** For a file of tests: files with a clamd whose signatures move, and a new tenant and a new database for each test. */
export function rescans() {
  let clamd: MovingClamd
  let test: FilesTest
  let tenant: Tenant
  beforeAll(async () => {
    clamd = await movingClamd()
    test = await startFiles({ scanner: clamd })
  })
  afterAll(async () => {
    await test?.[Symbol.asyncDispose]()
    await clamd?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    tenant = newTenant()
    await move()
  })

  /** From here on every process sees the new database. */
  async function move(signatures: Record<string, string> = {}): Promise<number> {
    const number = await clamd.move(signatures)
    test.advance(versionMilliseconds)
    return number
  }

  const call = (method: string, path: string, options: CallOptions = {}) => test.call({ tenant }, path, { method, ...options })
  const admin = (path: string) => test.call({ tenant, role: 'admin', user: 'root' }, path)
  return {
    get clamd() {
      return clamd
    },
    get test() {
      return test
    },
    get tenant() {
      return tenant
    },
    move,
    call,
    admin,
    upload: async (name: string, content: Buffer | string) => (await uploader(test, { tenant })(name, content)).body,
    get: async (id: string) => (await call('GET', `/api/v1/files/${id}`)).body,
    content: (id: string, headers: Record<string, string> = {}) => call('GET', `/api/v1/files/${id}/content`, { headers }),
    rescan: (fileId: string, requested = false) => runJob(test, fileRescan, { version: 1, tenantId: tenant.id, fileId, requested }),
    isolate: (fileId: string) => runJob(test, fileIsolation, { version: 1, tenantId: tenant.id, fileId }),
    /** As if somebody had written other bytes into the store: the digest is not that of what lies there. */
    alter: (fileId: string) => test.system.pool.query('update files set sha256 = $1 where id = $2', ['0'.repeat(64), fileId]),
    used: async () => (await call('GET', '/api/v1/files/usage')).body.used,
    own: (keys: string[]) => keys.filter((key) => key.includes(tenant.id)),
  }
}
