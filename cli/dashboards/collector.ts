import { type Dashboard, rate } from './panel.ts'

const signals = { spans: 'spans', 'metric points': 'metric_points', 'log records': 'log_records' }
/** One query for each kind of telemetry. */
const each = (of: (signal: string) => string, kinds: readonly (keyof typeof signals)[] = ['spans', 'metric points']) =>
  Object.fromEntries(kinds.map((kind) => [`${kind} {{instance}}`, of(signals[kind])]))
/** As in an installation with default values. */
const note = 'Spans pass only where traces are sent somewhere: see telemetry.exporters'
const all = ['spans', 'metric points', 'log records'] as const

export const collector: Dashboard = {
  name: 'collector',
  title: 'Collectors',
  rows: [
    {
      title: 'What passes through',
      panels: [
        {
          title: 'How much comes in?',
          unit: 'cps',
          queries: each((signal) => rate(`otelcol_receiver_accepted_${signal}_total{$in}`, ['instance'])),
          note,
        },
        {
          title: 'How much goes out?',
          unit: 'cps',
          queries: each((signal) => rate(`otelcol_exporter_sent_${signal}_total{$in}`, ['instance'])),
          note,
        },
        { title: 'How many collectors report?', queries: { collectors: 'count(otelcol_process_uptime_seconds_total{$in})' } },
      ],
    },
    {
      title: 'What is lost',
      panels: [
        {
          title: 'How much could not be sent?',
          unit: 'cps',
          queries: each((signal) => rate(`otelcol_exporter_send_failed_${signal}_total{$in}`, ['instance']), all),
          runbooks: ['SlipwayTelemetryDropped'],
          noData: 'nothing was lost',
        },
        {
          title: 'How much found the queue full?',
          unit: 'cps',
          queries: each((signal) => rate(`otelcol_exporter_enqueue_failed_${signal}_total{$in}`, ['instance']), all),
          runbooks: ['SlipwayTelemetryDropped'],
          noData: 'nothing was lost',
        },
        {
          title: 'How much was refused for want of memory?',
          unit: 'cps',
          queries: each((signal) => rate(`otelcol_receiver_refused_${signal}_total{$in}`, ['instance'])),
          note,
          runbooks: ['SlipwayCollectorRefuses'],
        },
        {
          title: 'How full are the queues?',
          unit: 'percentunit',
          queries: {
            '{{instance}} {{exporter}} {{data_type}}':
              'max by (instance, exporter, data_type) (otelcol_exporter_queue_size{$in}) / max by (instance, exporter, data_type) (otelcol_exporter_queue_capacity{$in})',
          },
          limits: { warning: 0.5, bad: 0.8 },
          runbooks: ['SlipwayTelemetryQueueFills'],
        },
      ],
    },
    {
      title: 'What they take',
      panels: [
        {
          title: 'How much memory?',
          unit: 'bytes',
          queries: { '{{instance}}': 'max by (instance) (otelcol_process_memory_rss_bytes{$in})' },
        },
        {
          title: 'How much CPU?',
          unit: 'percentunit',
          queries: { '{{instance}}': rate('otelcol_process_cpu_seconds_total{$in}', ['instance']) },
        },
        {
          title: 'Since when do they run?',
          unit: 's',
          queries: { '{{instance}}': 'max by (instance) (otelcol_process_uptime_seconds_total{$in})' },
        },
      ],
    },
  ],
}
