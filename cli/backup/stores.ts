import { existsSync } from 'node:fs'
import type { Environment } from '@slipway/config'
import type { Home } from '../home.ts'
import { StackSecrets } from '../secrets.ts'
import { storeUnits } from '../stack/stores.ts'
import { liveState } from '../supervisor/state.ts'
import type { Running } from '../supervisor/unit.ts'
import { findTarget, findTargetIfAny, stackTarget, type Target } from '../target.ts'

/**
 * What is to be restored into. The stores of a stack that is down are started for this, without the services that nothing may be restored
 * below.
 */
export async function withStores<T>(home: Home, environment: Environment, work: (target: Target) => Promise<T>): Promise<T> {
  const target = findTargetIfAny(home, environment)
  if (target) return await work(target)
  if (liveState(home.state) || !existsSync(home.secrets)) return await work(findTarget(home, environment))
  const { units, connections } = await storeUnits({ home, maxFileBytes: 1, log: () => undefined })
  const started: Running[] = []
  try {
    for (const unit of [units.postgres, units.redis, units.seaweed]) {
      started.push(await unit.start(AbortSignal.timeout(120_000), () => undefined))
    }
    return await work(stackTarget(connections, new StackSecrets(home.secrets)))
  } finally {
    for (const unit of started.toReversed()) await unit.stop()
  }
}
