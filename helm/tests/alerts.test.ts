import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { type AlertCase, alertCases, before, healthy, type Values } from './alert-cases.fixtures.ts'
import { chart, defaults, ofKind, render } from './chart.fixtures.ts'
import { ruleFile, ruleGroups } from './rule-file.ts'

/** With what some alerts need to mean anything. */
const everything = {
  telemetry: { alerts: { enabled: true } },
  backup: { enabled: true },
  edge: { tls: { issuer: 'letsencrypt' } },
}
const rendered = (alerts: object = {}, values: object = {}) =>
  ofKind(render({ ...everything, ...values, telemetry: { alerts: { enabled: true, ...alerts } } }), 'PrometheusRule')
const names = readdirSync(`${chart}/alerts`).map((file) => basename(file, '.yaml'))
const alertNames = names.filter((name) => !name.startsWith('record-'))
const rulesOf = (objects: ReturnType<typeof rendered>) => ruleGroups(objects).flatMap(({ rules }) => rules)

describe('rendering', () => {
  test('there is none by default', () => {
    expect(ofKind(render(), 'PrometheusRule')).toEqual([])
  })

  test('one object for each file, with a name of its own', () => {
    const objects = rendered().map(({ metadata }) => metadata.name)
    expect(new Set(objects).size).toBe(names.length)
    expect(objects).toHaveLength(names.length)
  })

  test('every rule asks for this installation only, and no placeholder stays', () => {
    for (const { alert, record, expr } of rulesOf(rendered())) {
      expect(expr, alert ?? record).not.toMatch(/\$(in|service|namespace)\b/)
      expect(expr, alert ?? record).toContain('namespace="apps"')
    }
  })

  test('each enabled service has a rule for its API', () => {
    const absent = (values: object) => rulesOf(rendered({}, values)).filter(({ alert }) => alert === 'SlipwayApiAbsent')
    const { services } = defaults()
    expect(absent({}).map(({ labels }) => labels?.['service'])).toEqual(Object.keys(services).sort())
    expect(absent({ services: { menu: { enabled: false } } }).map(({ expr }) => expr)).not.toContainEqual(expect.stringContaining('menu'))
  })

  test('what a value is needed for is left out without it, and what nobody wants too', () => {
    const left = (objects: ReturnType<typeof rendered>) =>
      alertNames.filter((name) => !rulesOf(objects).some(({ alert }) => alert === name))
    expect(left(rendered())).toEqual([])
    expect(left(rendered({}, { backup: { enabled: false }, edge: {} }))).toEqual(
      alertNames.filter((name) => /Backup|RestoreDrill|Certificate/.test(name)),
    )
    expect(left(rendered({ except: ['SlipwayTestSignatures'] }))).toEqual(['SlipwayTestSignatures'])
  })

  test('labels are those by which a Prometheus finds it', () => {
    for (const { metadata } of rendered({ labels: { release: 'monitoring' } }))
      expect(metadata.labels).toMatchObject({ release: 'monitoring', 'app.kubernetes.io/instance': 'shop' })
  })

  test('runbooks are links where it is known where they are', () => {
    for (const { alert, annotations } of rulesOf(rendered({ runbookUrl: 'https://runbooks.example.com/slipway/' })))
      if (alert) expect(annotations?.['runbook_url']).toBe(`https://runbooks.example.com/slipway/${alert}.md`)
  })
})

describe.each(alertNames)('%s', (name) => {
  const file = parse(readFileSync(`${chart}/alerts/${name}.yaml`, 'utf8'))

  test('has all that a person needs who is woken by it', () => {
    expect(file).toMatchObject({
      alert: name,
      for: expect.stringMatching(/^\d+[mhd]$/),
      labels: { severity: expect.stringMatching(/^(critical|warning)$/) },
      annotations: { summary: expect.any(String), description: expect.any(String), runbook: `docs/runbooks/${name}.md` },
    })
  })
})

const has = (tool: string) => spawnSync(tool, ['--version']).error === undefined

describe.skipIf(!has('promtool'))('promtool', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-alerts-'))
    writeFileSync(join(folder, 'rules.yaml'), ruleFile(ruleGroups(rendered())))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function promtool(...args: string[]): string {
    const { stdout, stderr, status } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' })
    return status === 0 ? '' : `${stdout}${stderr}`
  }

  function series(values: Readonly<Record<string, Values>>, lasts: number, release = 'shop') {
    return Object.entries(values).map(([key, of]) => {
      const own = `namespace="apps",release="${release}"`
      const [metric = '', labels = ''] = key.slice(0, -1).split(/\{(.*)/s)
      return { series: `${metric}{${labels ? `${labels},${own}` : own}}`, values: of(lasts) }
    })
  }

  function outcome(input: readonly object[], firing: AlertCase['firing'], stretch = 1): string {
    const at = firing.map(([minute, ...alerts]) => ({
      expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
      eval_time: `${(before + minute) * stretch}m`,
      exp_samples: alerts.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
    }))
    const interval = `${stretch}m`
    const tests = [{ interval, input_series: input, promql_expr_test: at }]
    writeFileSync(join(folder, 'test.yaml'), stringify({ rule_files: ['rules.yaml'], evaluation_interval: interval, tests }))
    return promtool('test', 'rules', 'test.yaml')
  }

  test('finds nothing wrong with the rules', () => {
    expect(promtool('check', 'rules', 'rules.yaml')).toBe('')
  })

  test('no alert is without a fault that shows it', () => {
    expect([...new Set(Object.keys(alertCases).map((key) => key.replace(/,.*/, '')))].sort()).toEqual(alertNames.toSorted())
  })

  test('nothing fires on healthy data', () => {
    expect(outcome(series(healthy, 60), [[-50], [0], [30], [180]])).toBe('')
  })

  test('nothing fires for what happens to another installation', () => {
    const faults = Object.assign({}, ...Object.values(alertCases).map(({ fault }) => fault)) as Record<string, Values>
    const { [Object.keys(faults).find((key) => key.startsWith('certmanager')) ?? '']: _, ...ours } = faults
    expect(outcome([...series(healthy, 120), ...series(ours, 120, 'other')], [[30], [90], [119]])).toBe('')
  })

  test.each(Object.entries(alertCases))('%s fires after its time, not before, and ends', (_, { fault, lasts, firing, stretch }) => {
    expect(outcome(series({ ...healthy, ...fault }, lasts), firing, stretch)).toBe('')
  })

  test('would tell of an alert that does not fire', () => {
    expect(outcome(series(healthy, 60), [[30, 'SlipwayScannerDown']])).toContain('SlipwayScannerDown')
  })
})
