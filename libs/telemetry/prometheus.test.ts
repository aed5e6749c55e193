import { describe, expect, it } from 'vitest'
import { catalogue } from './catalogue.ts'
import { libraryMetrics } from './library-metrics.ts'
import { prometheusMetrics } from './prometheus.ts'

const named = (name: string) => prometheusMetrics().find((metric) => metric.name === name)

describe('the series of Prometheus', () => {
  /** As the collector 0.155 writes them. */
  it.each([
    ['a share', 'slipway_scan_status_ratio', ['slipway_scan_status']],
    ['a counter whose name has its unit', 'slipway_scan_bytes_total', ['slipway_scan_verdict']],
    ['a counter of things', 'slipway_queue_stalled_total', ['messaging_destination_name']],
    ['a counter with a unit', 'nodejs_eventloop_time_seconds_total', ['nodejs_eventloop_state']],
    ['a level', 'db_client_connection_count', ['db_client_connection_pool_name', 'db_client_connection_state']],
    ['a gauge with a unit', 'slipway_backup_drill_age_seconds', []],
    ['a gauge whose name has its unit', 'slipway_quota_bytes', []],
    ['a name with `_`', 'v8js_memory_heap_space_available_size_bytes', ['v8js_heap_space_name']],
    ['a histogram', 'slipway_queue_wait_seconds_count', ['messaging_destination_name']],
    ['buckets', 'slipway_queue_attempts_bucket', ['messaging_destination_name', 'slipway_job_outcome', 'le']],
  ])('%s is %s', (_, name, labels) => {
    expect(named(name)?.labels).toEqual(labels)
  })

  it('are one of each metric, and three of a histogram', () => {
    const metrics = [...Object.values(catalogue), ...libraryMetrics]
    const histograms = metrics.filter(({ type }) => type === 'histogram')
    expect(prometheusMetrics()).toHaveLength(metrics.length + 2 * histograms.length)
  })

  it('have names of their own, of letters, digits and `_`', () => {
    const names = prometheusMetrics().map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
  })

  it('know the values that a label may have, where there are no others', () => {
    expect(named('slipway_scan_status_ratio')?.values['slipway_scan_status']).toEqual(['ok', 'test-signatures', 'down'])
    expect(named('slipway_queue_jobs')?.values['messaging_destination_name']).toBeUndefined()
  })

  it('know which figures every replica tells', () => {
    expect(named('slipway_queue_jobs')?.shared).toBe(true)
    expect(named('db_client_connection_count')?.shared).toBe(false)
  })
})
