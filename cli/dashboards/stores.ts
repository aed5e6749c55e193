import { type Dashboard, quantile, rate } from './panel.ts'

const pool = 'db_client_connection_pool_name'
const postgres = `$in,${pool}!~"redis/.+"`
const redis = `$in,${pool}=~"redis/.+"`
const operation = 'slipway_storage_operation'

export const stores: Dashboard = {
  name: 'stores',
  title: 'Stores',
  rows: [
    {
      title: 'Postgres',
      panels: [
        {
          title: 'Which share of its connections does each pool use?',
          unit: 'percentunit',
          queries: {
            [`{{job}} {{${pool}}}`]: `sum by (job, ${pool}) (db_client_connection_count{${postgres},db_client_connection_state="used"}) / sum by (job, ${pool}) (db_client_connection_max{${postgres}})`,
          },
          limits: { warning: 0.8, bad: 1 },
          runbooks: ['SlipwayDatabasePoolExhausted'],
        },
        {
          title: 'How many requests wait for a connection?',
          queries: { [`{{job}} {{${pool}}}`]: `sum by (job, ${pool}) (db_client_connection_pending_requests{${postgres}})` },
          runbooks: ['SlipwayDatabasePoolExhausted'],
        },
        {
          title: 'How long do they wait, in 95 of 100?',
          unit: 's',
          queries: { [`{{${pool}}}`]: quantile(0.95, 'db_client_connection_wait_time_seconds{$in}', [pool]) },
        },
        {
          title: 'How many get none?',
          unit: 'ops',
          queries: { [`{{${pool}}}`]: rate('db_client_connection_timeouts_total{$in}', [pool]) },
          runbooks: ['SlipwayDatabaseTimeouts'],
          noData: 'every request got a connection',
        },
        {
          title: 'How many statements a second?',
          draw: 'stack',
          unit: 'ops',
          queries: { '{{db_operation_name}}': rate('db_client_operation_duration_seconds_count{$in}', ['db_operation_name']) },
        },
        {
          title: 'How long do statements take, in 95 of 100?',
          unit: 's',
          queries: { '{{db_operation_name}}': quantile(0.95, 'db_client_operation_duration_seconds{$in}', ['db_operation_name']) },
        },
      ],
    },
    {
      title: 'Redis',
      panels: [
        {
          title: 'Which connections are there?',
          queries: { [`{{job}} {{${pool}}}`]: `sum by (job, ${pool}) (db_client_connection_count{${redis}})` },
          runbooks: ['SlipwayRedisDown'],
          width: 12,
        },
        {
          title: 'How many commands wait for their answer?',
          queries: { [`{{job}} {{${pool}}}`]: `sum by (job, ${pool}) (db_client_connection_pending_requests{${redis}})` },
          width: 12,
        },
      ],
    },
    {
      title: 'Object storage',
      panels: [
        {
          title: 'How many operations a second?',
          draw: 'stack',
          unit: 'ops',
          queries: { [`{{${operation}}}`]: rate('slipway_storage_operation_duration_seconds_count{$in}', [operation]) },
        },
        {
          title: 'How long do they take, in 95 of 100?',
          unit: 's',
          queries: { [`{{${operation}}}`]: quantile(0.95, 'slipway_storage_operation_duration_seconds{$in}', [operation]) },
        },
        {
          title: 'Which fail? Missing objects are among them',
          unit: 'ops',
          queries: {
            [`{{${operation}}} {{error_type}}`]: rate('slipway_storage_operation_duration_seconds_count{$in,error_type!=""}', [
              operation,
              'error_type',
            ]),
          },
          runbooks: ['SlipwayStorageErrors'],
          noData: 'none has failed',
        },
        {
          title: 'How many bytes a second?',
          unit: 'Bps',
          queries: { '{{slipway_storage_direction}}': rate('slipway_storage_bytes_total{$in}', ['slipway_storage_direction']) },
        },
        { title: 'How much do all tenants keep?', unit: 'bytes', queries: { bytes: 'max(slipway_quota_bytes{$in})' } },
        {
          title: 'How many files, of how many tenants?',
          queries: { files: 'max(slipway_quota_files{$in})', tenants: 'max(slipway_quota_tenants{$in})' },
        },
        {
          title: 'How full is the fullest tenant?',
          unit: 'percentunit',
          queries: { '{{slipway_quota_resource}}': 'max by (slipway_quota_resource) (slipway_quota_fullest_ratio{$in})' },
          limits: { warning: 0.8, bad: 0.9 },
          runbooks: ['SlipwayQuotaNearlyFull'],
        },
      ],
    },
    {
      title: 'Backups',
      panels: [
        {
          title: 'How old is the last backup?',
          unit: 's',
          queries: { '{{slipway_backup_kind}}': 'max by (slipway_backup_kind) (slipway_backup_age_seconds{$in})' },
          limits: { warning: 100_000, bad: 180_000 },
          runbooks: ['SlipwayBackupTooOld', 'SlipwayBackupNever'],
          noData: 'there has been no backup yet',
        },
        {
          title: 'How large is it?',
          unit: 'bytes',
          queries: { '{{slipway_backup_kind}}': 'max by (slipway_backup_kind) (slipway_backup_size_bytes{$in})' },
          noData: 'there has been no backup yet',
        },
        {
          title: 'When was a restore last tried?',
          unit: 's',
          queries: { ago: 'max(slipway_backup_drill_age_seconds{$in})' },
          limits: { warning: 50 * 86_400, bad: 100 * 86_400 },
          runbooks: ['SlipwayRestoreDrillTooOld'],
          noData: 'there has been no restore yet',
        },
      ],
    },
  ],
}
