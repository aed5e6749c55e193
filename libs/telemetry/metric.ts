/** How an attribute is kept from making time series without end: a closed list, or a number of values after which the rest is `_OTHER`. */
type Bound = { readonly values: readonly string[] } | { readonly atMost: number; readonly such: string }

export interface Metric {
  /** `level` is an up-down counter that is read at every export. */
  readonly type: 'histogram' | 'counter' | 'gauge' | 'level'
  /** UCUM, as OpenTelemetry writes units. */
  readonly unit: string
  readonly description: string
  readonly attributes: Readonly<Record<string, Bound>>
  readonly boundaries?: readonly number[]
  /** Every replica tells the same figure about the whole installation: the figure is the maximum over replicas, never the sum. */
  readonly shared?: true
  /** The module that records it. */
  readonly where: string
}

/** Seconds; the boundaries that OpenTelemetry recommends for HTTP. */
export const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** Seconds; jobs and scans take from milliseconds to an hour. */
export const workSeconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600]
/** Seconds; waiting for a connection. */
export const acquireSeconds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60]
