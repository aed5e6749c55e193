import { catalogue } from './catalogue.ts'
import { libraryMetrics } from './library-metrics.ts'
import type { Metric } from './metric.ts'

/** A time series as Prometheus knows it: one per name, three of a histogram. */
export interface PrometheusMetric {
  readonly name: string
  /** What its attributes became, without those that every series has. */
  readonly labels: readonly string[]
  /** Of labels that can have no other. */
  readonly values: Readonly<Record<string, readonly string[]>>
  /** Every replica tells the same figure: to be asked by `max`, never by `sum`. */
  readonly shared: boolean
}

/**
 * Every series of the catalogue and of libraries, by the rules of OpenTelemetry's compatibility with Prometheus (`UnderscoreEscapingWithSuffixes`
 * of the collector's exporter): dots become `_`, then comes the unit, then `_total` of a counter.
 */
export function prometheusMetrics(): PrometheusMetric[] {
  const own = Object.entries<Metric>(catalogue).flatMap(([name, { type, unit, attributes, shared = false }]) =>
    seriesOf({ name, type, unit, attributes: Object.keys(attributes), values: valuesOf(attributes), shared }),
  )
  return [
    ...own,
    ...libraryMetrics.flatMap((metric) =>
      seriesOf({ name: metric.name, type: metric.type, unit: metric.unit, attributes: metric.attributes, values: {}, shared: false }),
    ),
  ]
}

function valuesOf(attributes: Metric['attributes']): PrometheusMetric['values'] {
  return Object.fromEntries(Object.entries(attributes).flatMap(([key, bound]) => ('values' in bound ? [[escaped(key), bound.values]] : [])))
}

interface Described {
  readonly name: string
  readonly type: Metric['type']
  readonly unit: string
  readonly attributes: readonly string[]
  readonly values: PrometheusMetric['values']
  readonly shared: boolean
}

function seriesOf({ name, type, unit, attributes, ...rest }: Described): PrometheusMetric[] {
  const labels = attributes.map(escaped)
  const base = withUnit(escaped(name), suffixOf(unit, type))
  if (type === 'counter') return [{ name: `${base}_total`, labels, ...rest }]
  if (type !== 'histogram') return [{ name: base, labels, ...rest }]
  return ['bucket', 'sum', 'count'].map((part) => ({
    name: `${base}_${part}`,
    labels: part === 'bucket' ? [...labels, 'le'] : labels,
    ...rest,
  }))
}

const escaped = (name: string) => name.replaceAll(/[^a-zA-Z0-9]+/g, '_')

const units: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes' }

/** What stands in braces counts things, and is no unit. `1` is the unit of a share only where it can go up and down. */
function suffixOf(unit: string, type: Metric['type']): string {
  if (unit.startsWith('{')) return ''
  if (unit === '1') return type === 'gauge' ? 'ratio' : ''
  const suffix = units[unit]
  if (suffix === undefined) throw new TypeError(`there is no word of Prometheus for the unit "${unit}" here: add it`)
  return suffix
}

/** A unit that the name has already is not said twice. */
const withUnit = (name: string, unit: string) => (unit === '' || name.split('_').includes(unit) ? name : `${name}_${unit}`)
