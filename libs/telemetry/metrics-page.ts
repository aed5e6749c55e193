import { catalogue } from './catalogue.ts'
import { libraryMetrics } from './library-metrics.ts'
import type { Metric } from './metric.ts'

/** `docs/metrics.md`. */
export function metricsPage(): string {
  const own = Object.entries<Metric>(catalogue).map(([name, metric]) => row(name, metric))
  const others = libraryMetrics.map(({ name, type, unit, of, from }) => `| \`${name}\` | ${type} | ${unit} | ${of} | ${from} |`)
  return `${head}
| name | type | unit | what | attributes | recorded in |
|---|---|---|---|---|---|
${own.join('\n')}

## Recorded by libraries

| name | type | unit | what | recorded by |
|---|---|---|---|---|
${others.join('\n')}
`
}

const head = `<!-- Written by \`slipway generate\` from libs/telemetry/catalogue.ts: do not edit. -->
# Metrics

Names follow OpenTelemetry's semantic conventions where it has one; ours begin with \`slipway.\`. In Prometheus a dot becomes \`_\`, the unit
is appended, counters end in \`_total\`: \`slipway.queue.oldest_age\` is \`slipway_queue_oldest_age_seconds\`.

- **Counted in the process**, never derived from spans: sampling changes no figure. Without \`OTEL_EXPORTER_OTLP_ENDPOINT\` nothing is hooked in.
- A **level** is an up-down counter that is read at every export, a **gauge** too: levels of several processes may be added up, gauges not.
- **Bounded**: an attribute has the values listed, or as many as stated; what is beyond is \`_OTHER\`. No tenant, person, file, dish, job or path
  is an attribute of a metric. Those are attributes of spans: \`slipway.tenant.id\`, \`slipway.file.id\`, \`slipway.dish.id\`, \`slipway.job.id\` …
- **Shared** metrics are figures of the whole installation that every replica reads and reports for itself. Ask for
  \`max by (…) (…)\`, never for \`sum\`. There is no leader that could be missing: as long as one replica lives, the figure is there. Replicas
  differ by the seconds between their exports.

## Recorded by the platform
`

function row(name: string, { type, unit, description, attributes, shared, where }: Metric): string {
  const cells = [`\`${name}\``, shared ? `${type}, shared` : type, unit, description, attributesText(attributes), where]
  return `| ${cells.join(' | ')} |`
}

function attributesText(attributes: Metric['attributes']): string {
  const texts = Object.entries(attributes).map(([key, bound]) =>
    'values' in bound ? `\`${key}\`: ${bound.values.join(', ')}` : `\`${key}\`: at most ${bound.atMost} (${bound.such})`,
  )
  return texts.join('<br>') || '–'
}
