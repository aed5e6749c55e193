import { type Dashboard, quantile, rate } from './panel.ts'

const served = 'http_server_request_duration_seconds_count{$in}'
const failed = 'http_server_request_duration_seconds_count{$in,http_response_status_code=~"5.."}'
/** As the objective of latency counts them: not bytes of files and streams of events. */
const reads = '$in,http_request_method="GET",http_route!~".*/(content|events|model|photo)"'

const errorBurn = (window: string) => `(sum(rate(${failed}[${window}])) or vector(0)) / sum(rate(${served}[${window}])) / 0.001`
const latencyBurn = (window: string) =>
  `(1 - sum(rate(http_server_request_duration_seconds_bucket{${reads},le="0.5"}[${window}])) / sum(rate(http_server_request_duration_seconds_count{${reads}}[${window}]))) / 0.01`
const burn = (of: (window: string) => string) => ({ '1 h': of('1h'), '6 h': of('6h'), '3 d': of('3d') })

export const overview: Dashboard = {
  name: 'overview',
  title: 'Overview',
  rows: [
    {
      title: 'Is it well?',
      panels: [
        {
          title: 'Which share of requests was served in the last hour?',
          draw: 'figure',
          unit: 'percentunit',
          queries: { served: `1 - (sum(rate(${failed}[1h])) or vector(0)) / sum(rate(${served}[1h]))` },
          limits: { warning: 0.999, bad: 0.99, below: true },
        },
        {
          title: 'How long has the oldest job waited?',
          draw: 'figure',
          unit: 's',
          queries: { oldest: 'max(slipway_queue_oldest_age_seconds{$in})' },
          limits: { warning: 120, bad: 900 },
          runbooks: ['SlipwayQueueStuck', 'SlipwayWorkerGone'],
        },
        {
          title: 'Do all processes see clamd?',
          draw: 'figure',
          queries: { '{{slipway_scan_status}}': 'sum by (slipway_scan_status) (slipway_scan_status_ratio{$in})' },
          runbooks: ['SlipwayScannerDown', 'SlipwayTestSignatures'],
        },
        {
          title: 'How old is the last backup?',
          draw: 'figure',
          unit: 's',
          queries: { '{{slipway_backup_kind}}': 'max by (slipway_backup_kind) (slipway_backup_age_seconds{$in})' },
          limits: { warning: 100_000, bad: 180_000 },
          runbooks: ['SlipwayBackupTooOld', 'SlipwayBackupNever'],
          noData: 'there has been no backup yet',
        },
        {
          title: 'Which alerts fire?',
          draw: 'table',
          queries: { '': 'ALERTS{$in,alertstate="firing"}' },
          noData: 'none fires, or the rules are not installed (telemetry.alerts)',
          width: 12,
        },
        {
          title: 'Which processes report, and how many of each?',
          queries: { '{{job}}': 'count by (job) (nodejs_eventloop_utilization_ratio{$in})' },
          runbooks: ['SlipwayApiAbsent', 'SlipwayMetricsAbsent'],
          width: 12,
        },
      ],
    },
    {
      title: 'Objectives: how fast is the budget of 30 days used? 1 is just right',
      panels: [
        {
          title: 'Of failed requests (0.1 % may fail)',
          queries: burn(errorBurn),
          limits: { warning: 1, bad: 6 },
          runbooks: ['SlipwayAvailabilityBurnsFast', 'SlipwayAvailabilityBurns', 'SlipwayAvailabilityBurnsSlowly'],
          width: 12,
        },
        {
          title: 'Of slow reads (1 % may take longer than 0.5 s)',
          queries: burn(latencyBurn),
          limits: { warning: 1, bad: 6 },
          runbooks: ['SlipwayLatencyBurnsFast', 'SlipwayLatencyBurns', 'SlipwayLatencyBurnsSlowly'],
          width: 12,
        },
      ],
    },
    {
      title: 'Golden signals',
      panels: [
        { title: 'Traffic: how many requests a second?', draw: 'stack', unit: 'reqps', queries: { '{{job}}': rate(served, ['job']) } },
        {
          title: 'Errors: which share of requests fails?',
          unit: 'percentunit',
          queries: { '{{job}}': `(${rate(failed, ['job'])} or 0 * ${rate(served, ['job'])}) / ${rate(served, ['job'])}` },
          limits: { warning: 0.001, bad: 0.01 },
        },
        {
          title: 'Latency: how long do reads take?',
          unit: 's',
          queries: Object.fromEntries(
            [0.5, 0.95, 0.99].map((share) => [`p${share * 100}`, quantile(share, `http_server_request_duration_seconds{${reads}}`)]),
          ),
          limits: { warning: 0.5, bad: 1 },
        },
        {
          title: 'Saturation: how late are event loops?',
          unit: 's',
          queries: { '{{job}}': 'max by (job) (nodejs_eventloop_delay_p99_seconds{$in})' },
          limits: { warning: 0.1, bad: 0.25 },
          runbooks: ['SlipwayEventLoopBlocked'],
        },
        {
          title: 'Saturation: how many jobs wait?',
          draw: 'stack',
          queries: {
            '{{messaging_destination_name}}':
              'sum by (messaging_destination_name) (max by (messaging_destination_name, slipway_job_state) (slipway_queue_jobs{$in,slipway_job_state=~"pending|waiting"}))',
          },
          runbooks: ['SlipwayBacklogGrows'],
        },
        {
          title: 'Saturation: how full is the fullest tenant?',
          unit: 'percentunit',
          queries: { '{{slipway_quota_resource}}': 'max by (slipway_quota_resource) (slipway_quota_fullest_ratio{$in})' },
          limits: { warning: 0.8, bad: 0.9 },
          runbooks: ['SlipwayQuotaNearlyFull'],
        },
      ],
    },
  ],
}
