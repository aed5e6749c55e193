import { removeHome, startClamd, startPostgres, startSeaweed } from '@slipway/stack'
import type { TestProject } from 'vitest/node'
import { runFolder, sweepRunFolders } from './run-folder.ts'
import { scannerLimits, type TestStores } from './stores.ts'

/** vitest's globalSetup: real stores, once per run, in a home that is removed with them. */
export default async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const stack = await startStores()
  project.provide('slipwayStores', stack.stores)
  return stack.stop
}

async function startStores(): Promise<{ stores: TestStores; stop: () => Promise<void> }> {
  await sweepRunFolders()
  const home = await runFolder()
  const started = [
    startPostgres({ home, durable: false, settings: { max_connections: '400' } }),
    startClamd({ home, signatures: 'test', ...scannerLimits }),
    startSeaweed({ home, durable: false }),
  ] as const
  const stop = async () => {
    const parts = (await Promise.allSettled(started)).flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []))
    await Promise.all(parts.map((part) => part.stop()))
    await removeHome(home)
  }
  try {
    const [postgres, clamd, seaweed] = await Promise.all(started)
    const { endpoint, region, accessKey, secretKey } = seaweed
    const stores = {
      postgres: { adminUrl: postgres.adminUrl },
      clamd: { host: clamd.host, port: clamd.port },
      storage: { endpoint, region, accessKey, secretKey },
    }
    return { stores, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
