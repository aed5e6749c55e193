import { describe, expect, it } from 'vitest'
import { type Dashboard, dashboardJson, type Panel, quantile, rate } from './panel.ts'

const jobs: Panel = { title: 'How many jobs wait?', queries: { '{{queue}}': 'max(jobs{$in})' } }
const made = (panels: readonly Panel[], more: Partial<Dashboard> = {}) =>
  JSON.parse(dashboardJson({ name: 'test', title: 'Test', rows: [{ title: 'Row', panels }], ...more }))
const drawn = (panel: Partial<Panel>) => made([{ ...jobs, ...panel }]).panels[1]

describe('a dashboard', () => {
  it('is found by its name, and asks for the installation that was chosen', () => {
    const dashboard = made([jobs])
    expect(dashboard).toMatchObject({ uid: 'slipway-test', title: 'Slipway / Test', tags: ['slipway'] })
    expect(dashboard.panels[1].targets).toEqual([
      expect.objectContaining({ refId: 'A', expr: 'max(jobs{namespace="$namespace",release="$release"})', legendFormat: '{{queue}}' }),
    ])
  })

  it('lets people choose among what the chosen installation has', () => {
    const { list } = made([jobs], { choices: [{ name: 'queue', label: 'Queue', from: 'jobs{$in}', of: 'name' }] }).templating
    expect(list.map(({ name }: { name: string }) => name)).toEqual(['datasource', 'namespace', 'release', 'queue'])
    expect(list[3]).toMatchObject({
      definition: 'label_values(jobs{namespace="$namespace",release="$release"}, name)',
      allValue: '.+',
      includeAll: true,
    })
  })

  it('fills lines from left to right', () => {
    const panels = [{ ...jobs, width: 12 }, jobs, jobs].map((panel, index) => ({ ...panel, title: `${index}?` }))
    const places = made(panels).panels.map(({ gridPos: { x, y, w } }: { gridPos: Record<'x' | 'y' | 'w', number> }) => [x, y, w])
    expect(places).toEqual([
      [0, 0, 24],
      [0, 1, 12],
      [12, 1, 8],
      [0, 8, 8],
    ])
  })

  it('begins each row below the last', () => {
    const { panels } = made([], { rows: [1, 2].map((row) => ({ title: `${row}`, panels: [jobs] })) })
    expect(panels.map(({ gridPos }: { gridPos: { y: number } }) => gridPos.y)).toEqual([0, 1, 8, 9])
  })
})

describe('a panel', () => {
  it('turns red above its limits, or below them where little is bad', () => {
    const steps = (limits: Panel['limits']) => drawn(limits ? { limits } : {}).fieldConfig.defaults.thresholds.steps
    expect(steps({ warning: 1, bad: 5 })).toEqual([
      { color: 'green', value: null },
      { color: 'yellow', value: 1 },
      { color: 'red', value: 5 },
    ])
    expect(steps({ warning: 0.999, bad: 0.99, below: true })).toEqual([
      { color: 'red', value: null },
      { color: 'yellow', value: 0.99 },
      { color: 'green', value: 0.999 },
    ])
    expect(steps(undefined)).toEqual([{ color: 'green', value: null }])
  })

  it('names its runbooks, and why it may have no data', () => {
    expect(drawn({ runbooks: ['SlipwayA', 'SlipwayB'], noData: 'nothing has failed' }).description).toBe(
      'No data: nothing has failed.\n\nRunbooks: docs/runbooks/SlipwayA.md docs/runbooks/SlipwayB.md',
    )
    expect(drawn({ note: 'Spans only', noData: 'none' }).description).toBe('No data: none.\n\nSpans only.')
    expect(drawn({}).description).toBe('')
  })

  it.each([
    ['lines', 'timeseries', { range: true }],
    ['stack', 'timeseries', { range: true }],
    ['figure', 'stat', { range: true }],
    ['table', 'table', { instant: true, format: 'table' }],
  ] as const)('that draws %s is a %s', (draw, type, target) => {
    expect(drawn({ draw })).toMatchObject({ type, targets: [target] })
  })

  it('has a letter for each of its queries', () => {
    const { targets } = drawn({ queries: { a: '1', b: '2' } })
    expect(targets.map(({ refId }: { refId: string }) => refId)).toEqual(['A', 'B'])
  })
})

describe('PromQL', () => {
  it('makes quantiles of buckets, and rates of counters', () => {
    expect(quantile(0.9, 'wait{$in,a="b"}', ['queue'])).toBe(
      'histogram_quantile(0.9, sum by (queue, le) (rate(wait_bucket{$in,a="b"}[$__rate_interval])))',
    )
    expect(rate('done_total{$in}')).toBe('sum (rate(done_total{$in}[$__rate_interval]))')
    expect(rate('done_total{$in}', ['queue', 'job'])).toBe('sum by (queue, job) (rate(done_total{$in}[$__rate_interval]))')
  })
})
