import { type Attributes, createNoopMeter, type Meter, metrics } from '@opentelemetry/api'
import { type AttributesOf, catalogue, type MetricName, type NamesOf } from './catalogue.ts'
import type { Metric } from './metric.ts'

/** What OpenTelemetry calls a value beyond those that are told apart. */
export const other = '_OTHER'

type Recorder<Name extends MetricName> = (value: number, attributes: AttributesOf<Name>) => void
type Given = Readonly<Record<string, string | number | undefined>>
type Limit = (attributes: Given) => Attributes

/** Whether metrics are recorded at all: instruments that are made before the SDK has started stay silent. */
export function metricsAreOn(): boolean {
  return meter() !== createNoopMeter()
}

function meter(): Meter {
  return metrics.getMeter('slipway')
}

/** By meter, so that two instruments of one name share their bound. */
const limits = new WeakMap<Meter, Map<MetricName, Limit>>()

function limitOf(name: MetricName): Limit {
  const known = limits.get(meter()) ?? new Map<MetricName, Limit>()
  limits.set(meter(), known)
  const limit = known.get(name) ?? createLimit(catalogue[name])
  known.set(name, limit)
  return limit
}

/** Lets through what the table names, and of that no more values than it allows: whatever is asked of a process, its series are bounded. */
function createLimit({ attributes: declared }: Metric): Limit {
  const rules = Object.entries(declared).map(([key, bound]) => ({
    key,
    seen: new Set<string | number>('values' in bound ? bound.values : []),
    most: 'values' in bound ? bound.values.length : bound.atMost,
  }))
  return (given) => {
    const bounded: Attributes = {}
    for (const { key, seen, most } of rules) {
      const value = given[key]
      if (value === undefined) continue
      if (!seen.has(value) && seen.size < most) seen.add(value)
      bounded[key] = seen.has(value) ? value : other
    }
    return bounded
  }
}

function optionsOf(name: MetricName) {
  const { description, unit, boundaries }: Metric = catalogue[name]
  return { description, unit, ...(boundaries ? { advice: { explicitBucketBoundaries: [...boundaries] } } : {}) }
}

export function histogram<Name extends NamesOf<'histogram'>>(name: Name): Recorder<Name> {
  const instrument = meter().createHistogram(name, optionsOf(name))
  const limit = limitOf(name)
  return (value, attributes) => instrument.record(value, limit(attributes))
}

/**
 * Where all values of its one attribute are known, it tells 0 for each from the start: Prometheus takes the first figure of a series for
 * where it began, so that what a process counts for the first time would raise no alert. For other counters their recorders do so.
 */
export function counter<Name extends NamesOf<'counter'>>(name: Name): Recorder<Name> {
  const instrument = meter().createCounter(name, optionsOf(name))
  for (const attributes of knownAttributes(catalogue[name])) instrument.add(0, attributes)
  const limit = limitOf(name)
  return (value, attributes) => instrument.add(value, limit(attributes))
}

function knownAttributes({ attributes }: Metric): Attributes[] {
  const [only, ...others] = Object.entries(attributes)
  if (!only || others.length > 0) return []
  const [key, bound] = only
  return 'values' in bound ? bound.values.map((value) => ({ [key]: value })) : []
}

export type ObservedName = NamesOf<'gauge' | 'level'>
export type Report<Name extends ObservedName> = <Each extends Name>(name: Each, value: number, attributes?: AttributesOf<Each>) => void

/**
 * `read` is asked at every export until the result is disposed, and never when telemetry is off. When it fails nothing is reported: a
 * figure that is missing says more than an old one.
 */
export function observe<Name extends ObservedName>(
  names: readonly Name[],
  read: (report: Report<Name>) => Promise<void> | void,
): Disposable {
  if (!metricsAreOn()) return { [Symbol.dispose]: () => undefined }
  const instruments = new Map(names.map((name) => [name, { gauge: createObservable(name), limit: limitOf(name) }]))
  const gauges = [...instruments.values()].map(({ gauge }) => gauge)
  const callback: Parameters<Meter['addBatchObservableCallback']>[0] = async (result) => {
    const points: (() => void)[] = []
    const report: Report<Name> = (name, value, attributes = {}) => {
      const instrument = instruments.get(name)
      if (instrument) points.push(() => result.observe(instrument.gauge, value, instrument.limit(attributes)))
    }
    try {
      await read(report)
    } catch {
      return
    }
    for (const point of points) point()
  }
  const current = meter()
  current.addBatchObservableCallback(callback, gauges)
  return { [Symbol.dispose]: () => current.removeBatchObservableCallback(callback, gauges) }
}

function createObservable(name: ObservedName) {
  const { type }: Metric = catalogue[name]
  return type === 'level'
    ? meter().createObservableUpDownCounter(name, optionsOf(name))
    : meter().createObservableGauge(name, optionsOf(name))
}
