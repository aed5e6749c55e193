import { type PrometheusMetric, prometheusMetrics } from '@slipway/telemetry'

/** What of PromQL has to be understood to see that a query asks for what there is: selectors, their matchers, and groupings. */
interface Selector {
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

type Known = Omit<PrometheusMetric, 'name'>

/** Given by the collector's exporter and by the scrape. */
const common = ['namespace', 'release', 'job', 'instance']

const collectorLabels: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['spans', 'metric_points', 'log_records'].flatMap((signal) => [
      [`otelcol_receiver_accepted_${signal}_total`, ['receiver', 'transport']],
      [`otelcol_receiver_refused_${signal}_total`, ['receiver', 'transport']],
      [`otelcol_exporter_sent_${signal}_total`, ['exporter']],
      [`otelcol_exporter_send_failed_${signal}_total`, ['exporter']],
      [`otelcol_exporter_enqueue_failed_${signal}_total`, ['exporter']],
    ]),
  ),
  otelcol_exporter_queue_size: ['exporter', 'data_type'],
  otelcol_exporter_queue_capacity: ['exporter', 'data_type'],
  otelcol_process_memory_rss_bytes: [],
  otelcol_process_cpu_seconds_total: [],
  otelcol_process_uptime_seconds_total: [],
}

/** As cert-manager names it, with the labels of a scrape that keeps its own. */
const certificates = { certmanager_certificate_expiration_timestamp_seconds: ['name', 'exported_namespace'] }
const ofPrometheus = { ALERTS: ['alertname', 'alertstate'] }

/** Every series that alerts and dashboards may ask for. `recorded`: names that rules make. */
export function knownMetrics(recorded: readonly string[] = []): ReadonlyMap<string, Known> {
  const others = Object.entries({
    ...collectorLabels,
    ...certificates,
    ...ofPrometheus,
    ...Object.fromEntries(recorded.map((name) => [name, []])),
  })
  return new Map([
    ...prometheusMetrics().map(({ name, ...known }) => [name, known] as const),
    ...others.map(([name, labels]) => [name, { labels, values: {}, shared: false }] as const),
  ])
}

/** What a query asks for that there is not, and figures of the whole installation that it would count once for each replica. */
export function queryFaults(query: string, known: ReadonlyMap<string, Known>): string[] {
  const bare = query.replaceAll(/"[^"]*"/g, '""')
  const selectors = selectorsOf(query)
  const groupings = [...bare.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    words(list),
  )
  return [
    ...selectors.flatMap((selector) => selectorFaults(selector, known.get(selector.metric))),
    ...selectors.flatMap(({ metric }) =>
      groupings.filter((label) => !has(known.get(metric), label)).map((label) => `${metric} has no label ${label} to group by`),
    ),
    ...[...bare.matchAll(/\b(?:sum|avg|count)\s*(?:by\s*\([^)]*\)\s*)?\(\s*([a-z_:]+)/g)]
      .filter(([, metric = '']) => known.get(metric)?.shared)
      .map(([, metric]) => `every replica tells ${metric}: ask for the maximum`),
  ]
}

function has(known: Known | undefined, label: string): boolean {
  return known === undefined || label === 'le' || common.includes(label) || known.labels.includes(label)
}

function selectorFaults({ metric, matchers }: Selector, known: Known | undefined): string[] {
  if (!known) return [`there is no metric ${metric}`]
  return matchers.flatMap(({ label, operator, value }) => {
    if (!has(known, label)) return [`${metric} has no label ${label}`]
    const possible = known.values[label]
    const named = operator.endsWith('~') ? value.split('|') : [value]
    return possible
      ? named.filter((one) => one !== '' && !possible.includes(one)).map((one) => `${label} of ${metric} is never ${one}`)
      : []
  })
}

const words = (list: string) =>
  list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

const notMetrics = new Set(['and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'offset', 'bool', 'group_left', 'group_right'])

/** Names that are neither called, nor keywords, nor within a list of labels or a range. */
function selectorsOf(query: string): Selector[] {
  const withoutGroupings = query
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
  return [...withoutGroupings.matchAll(/([a-zA-Z_:][\w:]*)\s*(\{(?:"[^"]*"|[^}"])*\}|\()?/g)]
    .filter(([, name = '', after = '']) => after !== '(' && !notMetrics.has(name))
    .map(([, metric = '', braces = '']) => ({
      metric,
      matchers: [...braces.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => ({
        label,
        operator,
        value,
      })),
    }))
}
