import type { Runtime } from '@slipway/service'
import { type Quota, readTotals } from './quota.ts'

const quotaMetrics = ['slipway.quota.bytes', 'slipway.quota.files', 'slipway.quota.tenants', 'slipway.quota.fullest'] as const

/** Workers only: there are fewer of them, and one is enough. */
export function observeQuota({ system, observe }: Pick<Runtime<unknown>, 'system' | 'observe'>, quota: Quota): void {
  observe(quotaMetrics, async (report) => {
    const { tenants, all, fullest } = await system.transaction(readTotals, { readOnly: true })
    report('slipway.quota.bytes', all.bytes)
    report('slipway.quota.files', all.files)
    report('slipway.quota.tenants', tenants)
    report('slipway.quota.fullest', share(fullest.bytes, quota.bytes), { 'slipway.quota.resource': 'bytes' })
    report('slipway.quota.fullest', share(fullest.files, quota.files), { 'slipway.quota.resource': 'files' })
  })
}

/** A quota of nothing is always full. */
function share(used: number, quota: number): number {
  return quota > 0 ? used / quota : 1
}
