import { type Dashboard, quantile, rate } from './panel.ts'

const shares = (of: (share: number) => string) => Object.fromEntries([0.5, 0.9, 0.99].map((share) => [`p${share * 100}`, of(share)]))

export const scanning: Dashboard = {
  name: 'scanning',
  title: 'Scanning',
  rows: [
    {
      title: 'clamd',
      panels: [
        {
          title: 'What does each process see of clamd?',
          queries: { '{{job}} {{slipway_scan_status}}': 'max by (job, slipway_scan_status) (slipway_scan_status_ratio{$in}) > 0' },
          runbooks: ['SlipwayScannerDown', 'SlipwayTestSignatures'],
        },
        {
          title: 'How old are the signatures?',
          unit: 's',
          queries: { age: 'max(slipway_scan_database_age_seconds{$in})' },
          limits: { warning: 2 * 86_400, bad: 3 * 86_400 },
          runbooks: ['SlipwaySignaturesStale'],
          noData: 'clamd has test signatures only, or is down',
        },
        {
          title: 'How many places at clamd are in use, of how many?',
          queries: {
            'used by {{job}}': 'sum by (job) (slipway_scan_connection_count{$in,slipway_scan_connection_state="used"})',
            'at most {{job}}': 'sum by (job) (slipway_scan_connection_max{$in})',
          },
        },
      ],
    },
    {
      title: 'Scans',
      panels: [
        {
          title: 'How many scans a second, and what did they find?',
          draw: 'stack',
          unit: 'ops',
          queries: { '{{slipway_scan_verdict}}': rate('slipway_scan_verdicts_total{$in}', ['slipway_scan_verdict']) },
          runbooks: ['SlipwayInfectedSpike', 'SlipwayScansFail'],
        },
        {
          title: 'How long does a scan take after the last byte?',
          unit: 's',
          queries: shares((share) => quantile(share, 'slipway_scan_duration_seconds{$in}')),
          limits: { warning: 10, bad: 30 },
          runbooks: ['SlipwayScansSlow'],
        },
        {
          title: 'How many bytes a second?',
          unit: 'Bps',
          queries: { '{{slipway_scan_verdict}}': rate('slipway_scan_bytes_total{$in}', ['slipway_scan_verdict']) },
        },
        {
          title: 'How many scans wait for a place?',
          queries: { '{{job}}': 'sum by (job) (slipway_scan_connection_pending_requests{$in})' },
          limits: { warning: 1, bad: 10 },
          runbooks: ['SlipwayScansQueueing'],
        },
        {
          title: 'How long do they wait for it?',
          unit: 's',
          queries: shares((share) => quantile(share, 'slipway_scan_connection_wait_time_seconds{$in}')),
          limits: { warning: 1, bad: 5 },
          runbooks: ['SlipwayScansQueueing'],
        },
        {
          title: 'Why could files not be looked at as a whole?',
          unit: 'ops',
          queries: { '{{slipway_scan_reason}}': rate('slipway_scan_unscannable_total{$in}', ['slipway_scan_reason']) },
          runbooks: ['SlipwayUnscannableSpike'],
          noData: 'all files could be looked at',
        },
        {
          title: 'Why was there no place?',
          unit: 'ops',
          queries: { '{{error_type}}': rate('slipway_scan_connection_wait_time_seconds_count{$in,error_type!=""}', ['error_type']) },
          runbooks: ['SlipwayScannerDown', 'SlipwayScansQueueing'],
          noData: 'every scan got its place',
        },
        {
          title: 'How many uploads made room for others?',
          unit: 'ops',
          queries: { '{{slipway_upload_reason}}': rate('slipway_upload_displaced_total{$in}', ['slipway_upload_reason']) },
          runbooks: ['SlipwayScansQueueing'],
        },
      ],
    },
  ],
}
