import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { chart, ofKind, render } from './chart.fixtures.ts'
import { knownMetrics, queryFaults } from './promql.ts'
import { ruleGroups } from './rule-file.ts'

const everything = { telemetry: { alerts: { enabled: true } }, backup: { enabled: true }, edge: { tls: { issuer: 'letsencrypt' } } }
const rules = ruleGroups(ofKind(render(everything), 'PrometheusRule')).flatMap((group) => group.rules)
const known = knownMetrics(rules.flatMap(({ record }) => (record === undefined ? [] : [record])))
const runbook = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))

describe('alerts ask for what there is', () => {
  test.each(rules.map((rule) => [rule.alert ?? rule.record ?? '', rule.expr] as const))('%s', (_, expr) => {
    expect(queryFaults(expr, known)).toEqual([])
  })
})

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

describe.each(readdirSync(`${chart}/dashboards`))('dashboard %s', (file) => {
  const text = readFileSync(`${chart}/dashboards/${file}`, 'utf8')
  const dashboard = JSON.parse(text)
  const panels = (dashboard.panels as Panel[]).filter(({ type }) => type !== 'row')

  test.each(panels.map((panel) => [panel.title, panel] as const))('asks for what there is: %s', (_, { targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0)
    for (const { expr } of targets) {
      expect(queryFaults(expr, known)).toEqual([])
      expect(expr).toContain('namespace="$namespace",release="$release"')
    }
  })

  test('every panel has the question that it answers', () => {
    for (const { title } of panels) expect(title).toMatch(/\?|^Of /)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
  })

  test('the runbooks that it names are there', () => {
    for (const [name] of text.matchAll(/docs\/runbooks\/\w+\.md/g)) expect(existsSync(runbook(name)), name).toBe(true)
  })

  test('one chooses source, namespace and release', () => {
    const names = (dashboard.templating.list as { name: string }[]).map(({ name }) => name)
    expect(names.slice(0, 3)).toEqual(['datasource', 'namespace', 'release'])
    for (const [, used = ''] of text.matchAll(/\$\{?([a-z]+)\b/g)) expect([...names, '__all']).toContain(used)
  })

  test('no panel lies on another', () => {
    const all = dashboard.panels as Panel[]
    const overlaps = all.flatMap((a, index) =>
      all.slice(index + 1).filter((b) => {
        const [p, q] = [a.gridPos, b.gridPos]
        return p.x < q.x + q.w && q.x < p.x + p.w && p.y < q.y + q.h && q.y < p.y + p.h
      }),
    )
    expect(overlaps).toEqual([])
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    for (const { gridPos } of all) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})

describe('the check finds', () => {
  test.each([
    ['a metric that is none', 'sum(slipway_scan_time_seconds{$in})', 'there is no metric slipway_scan_time_seconds'],
    ['a label that is none', 'slipway_queue_jobs{queue="x"}', 'slipway_queue_jobs has no label queue'],
    ['a value that never is', 'slipway_queue_jobs{slipway_job_state="done"}', 'slipway_job_state of slipway_queue_jobs is never done'],
    ['one of several', 'slipway_queue_jobs{slipway_job_state=~"dead|gone"}', 'slipway_job_state of slipway_queue_jobs is never gone'],
    ['a grouping by what is not there', 'max by (tenant) (slipway_queue_jobs)', 'slipway_queue_jobs has no label tenant to group by'],
    ['a sum over replicas', 'sum by (job) (slipway_queue_jobs)', 'every replica tells slipway_queue_jobs: ask for the maximum'],
  ])('%s', (_, query, fault) => {
    expect(queryFaults(query, known)).toEqual([fault])
  })

  test.each([
    'histogram_quantile(0.9, sum by (le) (rate(slipway_queue_wait_seconds_bucket{$in,job=~"a{1}"}[$__rate_interval])))',
    'sum by (messaging_destination_name) (max by (messaging_destination_name) (slipway_queue_jobs{slipway_job_state=~"dead|active"})) > 1 and on (job) vector(1)',
  ])('nothing in %s', (query) => {
    expect(queryFaults(query, known)).toEqual([])
  })
})

describe('ConfigMaps', () => {
  const maps = (dashboards: object, values: object = {}) =>
    ofKind(render({ telemetry: { dashboards: { enabled: true, ...dashboards }, ...values } }), 'ConfigMap').filter(({ metadata }) =>
      metadata.name.includes('dashboard'),
    )

  test('there is none by default, and then one for each dashboard, byte for byte', () => {
    expect(ofKind(render(), 'ConfigMap').filter(({ metadata }) => metadata.name.includes('dashboard'))).toEqual([])
    const found = Object.fromEntries(maps({}).flatMap(({ data }) => Object.entries(data ?? {})))
    const files = readdirSync(`${chart}/dashboards`)
    expect(Object.keys(found).sort()).toEqual(files.map((file) => `slipway-${file}`).sort())
    for (const file of files) expect(found[`slipway-${file}`]).toBe(readFileSync(`${chart}/dashboards/${file}`, 'utf8').trim())
  })

  test('Grafana finds them by label, and their folder by annotation', () => {
    for (const { metadata } of maps({})) {
      expect(metadata.labels).toMatchObject({ grafana_dashboard: '1' })
      expect(metadata.annotations).toBeUndefined()
    }
    for (const { metadata } of maps({ labels: { grafana_dashboard: '', boards: 'mine' }, folder: 'Slipway' })) {
      expect(metadata.labels).toMatchObject({ boards: 'mine' })
      expect(metadata.annotations).toEqual({ grafana_folder: 'Slipway' })
    }
  })

  test('runbooks are links where it is known where they are', () => {
    const [map] = maps({}, { alerts: { runbookUrl: 'https://runbooks.example.com/' } })
    expect(Object.values(map?.data ?? {})[0]).toContain('https://runbooks.example.com/Slipway')
    expect(Object.values(map?.data ?? {})[0]).not.toContain('docs/runbooks')
  })
})
