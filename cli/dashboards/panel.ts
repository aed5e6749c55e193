/** What a dashboard asks, without what Grafana wants to be told about each panel. */
export interface Dashboard {
  /** Of its file, and with `slipway-` before it its uid. */
  readonly name: string
  readonly title: string
  /** Choices beside namespace and release. */
  readonly choices?: readonly Choice[]
  readonly rows: readonly Row[]
}

export interface Choice {
  readonly name: 'job' | 'queue'
  readonly label: string
  /** The series whose label has the values, and which label. */
  readonly from: string
  readonly of: string
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Panel {
  /** The question that it answers. */
  readonly title: string
  readonly draw?: 'lines' | 'stack' | 'figure' | 'table'
  /** As Grafana calls units. */
  readonly unit?: string
  /** Legend (`{{label}}`) and PromQL; `$in` is the selector of the installation that was chosen. */
  readonly queries: Readonly<Record<string, string>>
  /** From where on it is yellow, and red; `below` where little is bad. */
  readonly limits?: { readonly warning: number; readonly bad: number; readonly below?: true }
  /** Alerts about the same matter. */
  readonly runbooks?: readonly string[]
  /** Why an installation that is well may have no data here. */
  readonly noData?: string
  /** What else a reader has to know. */
  readonly note?: string
  /** Of 24 columns. */
  readonly width?: number
}

const height = 7
const datasource = { type: 'prometheus', uid: '${datasource}' }
const selector = 'namespace="$namespace",release="$release"'

/** The JSON that Grafana 11 and later provision. */
export function dashboardJson({ name, title, choices = [], rows }: Dashboard): string {
  const dashboard = {
    uid: `slipway-${name}`,
    title: `Slipway / ${title}`,
    tags: ['slipway'],
    schemaVersion: 40,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    links: [{ type: 'dashboards', title: 'Slipway', tags: ['slipway'], asDropdown: true, includeVars: true, keepTime: true }],
    templating: { list: [source, ...installation.map(variable), ...choices.map(choiceVariable)] },
    panels: laidOut(rows),
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

const source = { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }
const installation = [
  { name: 'namespace', label: 'Namespace', query: 'label_values(nodejs_eventloop_utilization_ratio, namespace)' },
  { name: 'release', label: 'Release', query: 'label_values(nodejs_eventloop_utilization_ratio{namespace="$namespace"}, release)' },
]

function variable({ name, label, query }: { name: string; label: string; query: string }) {
  return { name, label, type: 'query', datasource, query: { query, refId: name }, definition: query, refresh: 2, sort: 1 }
}

function choiceVariable({ name, label, from, of }: Choice) {
  const asked = variable({ name, label, query: `label_values(${filled(from)}, ${of})` })
  return { ...asked, multi: true, includeAll: true, allValue: '.+', current: { text: 'All', value: '$__all' } }
}

const filled = (query: string) => query.replaceAll('$in', selector)

/** From left to right, and then the next line. */
function laidOut(rows: readonly Row[]): object[] {
  const panels: object[] = []
  let y = 0
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] })
    y++
    let x = 0
    for (const panel of row.panels) {
      const { width: w = panel.draw === 'figure' ? 6 : 8 } = panel
      if (x + w > 24) [x, y] = [0, y + height]
      panels.push({ id: panels.length + 1, gridPos: { x, y, w, h: height }, ...panelJson(panel) })
      x += w
    }
    y += height
  }
  return panels
}

function panelJson({ title, draw = 'lines', unit = 'short', queries, limits, runbooks = [], noData, note }: Panel): object {
  const description = [
    ...(noData ? [`No data: ${noData}.`] : []),
    ...(note ? [`${note}.`] : []),
    ...(runbooks.length > 0 ? [`Runbooks: ${runbooks.map((alert) => `docs/runbooks/${alert}.md`).join(' ')}`] : []),
  ].join('\n\n')
  const targets = Object.entries(queries).map(([legendFormat, query], index) => ({
    refId: String.fromCodePoint(65 + index),
    datasource,
    expr: filled(query),
    legendFormat,
    ...(draw === 'table' ? { instant: true, format: 'table' } : { range: true }),
  }))
  return {
    type: types[draw],
    title,
    description,
    datasource,
    fieldConfig: fieldConfig({ draw, unit, limits }),
    options: options[draw],
    targets,
  }
}

const types = { lines: 'timeseries', stack: 'timeseries', figure: 'stat', table: 'table' } as const

function fieldConfig({ draw, unit, limits }: { draw: NonNullable<Panel['draw']>; unit: string; limits: Panel['limits'] }): object {
  const lines = {
    lineWidth: 1,
    fillOpacity: draw === 'stack' ? 30 : 5,
    showPoints: 'never',
    stacking: { mode: draw === 'stack' ? 'normal' : 'none' },
    thresholdsStyle: { mode: limits ? 'line' : 'off' },
  }
  const custom = draw === 'lines' || draw === 'stack' ? { custom: lines, min: 0 } : {}
  return { defaults: { unit, thresholds: { mode: 'absolute', steps: steps(limits) }, ...custom }, overrides: [] }
}

function steps(limits: Panel['limits']): object[] {
  if (!limits) return [{ color: 'green', value: null }]
  const { warning, bad, below } = limits
  const colours = below ? ['red', 'yellow', 'green'] : ['green', 'yellow', 'red']
  const values = below ? [null, bad, warning] : [null, warning, bad]
  return colours.map((color, index) => ({ color, value: values[index] }))
}

const graph = {
  legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
  tooltip: { mode: 'multi', sort: 'desc' },
}
const options = {
  lines: graph,
  stack: graph,
  figure: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area', textMode: 'auto' },
  table: { showHeader: true, cellHeight: 'sm' },
}

/** Quantiles of a histogram, by labels. `series` is its name without `_bucket`, and what selects. */
export function quantile(share: number, series: string, labels: readonly string[] = []): string {
  const [metric = '', matchers = ''] = series.split(/\{(.*)\}$/s)
  return `histogram_quantile(${share}, sum by (${[...labels, 'le'].join(', ')}) (rate(${metric}_bucket{${matchers}}[$__rate_interval])))`
}

export const rate = (series: string, labels: readonly string[] = []) =>
  `sum${labels.length > 0 ? ` by (${labels.join(', ')})` : ''} (rate(${series}[$__rate_interval]))`
