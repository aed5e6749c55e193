/**
 * For each alert a fault: series that differ from the healthy ones for a while, and which alerts fire when. The fault begins an hour after
 * the data; times are minutes since then.
 */
export interface AlertCase {
  readonly fault: Readonly<Record<string, Values>>
  readonly lasts: number
  /** Minutes from one sample to the next, which then count as a minute in all of this: for what takes days. */
  readonly stretch?: number
  /** Exactly these alerts fire at that minute. */
  readonly firing: readonly (readonly [minute: number, ...alerts: string[]])[]
}

/** Samples in the notation of promtool: before the fault, in it, and after it. */
export type Values = (lasts: number) => string

export const before = 60
const after = 300

const gauge =
  (well: number | '_', ill: number | '_' = well): Values =>
  (lasts) =>
    `${well}x${before - 1} ${ill}x${lasts - 1} ${well}x${after}`

/** Per minute. */
const counter =
  (well: number, ill: number = well): Values =>
  (lasts) => {
    const atFault = well * before
    const atEnd = atFault + ill * lasts
    return `0+${well}x${before - 1} ${atFault}+${ill}x${lasts - 1} ${atEnd}+${well}x${after}`
  }

const ramp =
  (perMinute: number): Values =>
  (lasts) =>
    `0x${before - 1} 0+${perMinute}x${lasts - 1} 0x${after}`

const gone = gauge(1, '_')

const request = 'http_request_method="GET",http_route="/api/v1/files/{id}"'
const requests = (status: number) => `http_server_request_duration_seconds_count{${request},http_response_status_code="${status}"}`
const quick = `http_server_request_duration_seconds_bucket{${request},http_response_status_code="200",le="0.5"}`
const scans = (verdict: string) => `slipway_scan_verdicts_total{slipway_scan_verdict="${verdict}"}`
const scanBucket = (le: string) => `slipway_scan_duration_seconds_bucket{slipway_scan_verdict="clean",le="${le}"}`
const scanner = (status: string) => `slipway_scan_status_ratio{job="slipway-files-api",slipway_scan_status="${status}"}`
const queue = 'messaging_destination_name="file-scan"'
const jobs = (state: string) => `slipway_queue_jobs{${queue},slipway_job_state="${state}"}`
const oldest = `slipway_queue_oldest_age_seconds{${queue}}`
const attempts = `messaging_process_duration_seconds_count{${queue},slipway_job_outcome="completed"}`
const process = (service: string) => `nodejs_eventloop_utilization_ratio{job="slipway-${service}-api",instance="${service}-api-1"}`
const pool = 'job="slipway-files-api",instance="files-api-1",db_client_connection_pool_name="slipway_files_runtime"'
const redis = 'job="slipway-files-api",instance="files-api-1",db_client_connection_pool_name="redis/queues"'
const connections = (of: string, state: string) => `db_client_connection_count{${of},db_client_connection_state="${state}"}`
const operations = (error: string) =>
  `slipway_storage_operation_duration_seconds_count{slipway_storage_operation="GetObject"${error && `,error_type="${error}"`}}`
const backupAge = (kind: string) => `slipway_backup_age_seconds{slipway_backup_kind="${kind}"}`
const drill = 'slipway_backup_drill_age_seconds{}'
const exporter = 'job="slipway-collector",instance="gateway-1",exporter="otlp_http"'
const certificate = 'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="apps",name="shop-slipway-tls"}'
const day = 86_400

/** Without namespace and release, which every series of ours has. */
export const healthy: Readonly<Record<string, Values>> = {
  [requests(200)]: counter(600),
  [requests(404)]: counter(60),
  [requests(503)]: counter(0),
  [quick]: counter(660),
  [scans('clean')]: counter(60),
  [scanBucket('1')]: counter(60),
  [scanBucket('30')]: counter(60),
  [scanBucket('60')]: counter(60),
  [scanBucket('+Inf')]: counter(60),
  [scanner('ok')]: gauge(1),
  [scanner('down')]: gauge(0),
  [scanner('test-signatures')]: gauge(0),
  'slipway_scan_database_age_seconds{}': gauge(day),
  'slipway_scan_connection_pending_requests{}': gauge(0),
  [jobs('waiting')]: gauge(3),
  [jobs('active')]: gauge(1),
  [jobs('dead')]: gauge(0),
  [oldest]: gauge(1),
  [attempts]: counter(10),
  [`slipway_queue_stalled_total{${queue}}`]: counter(0),
  [process('identity')]: gauge(0.1),
  [process('files')]: gauge(0.1),
  [process('menu')]: gauge(0.1),
  'nodejs_eventloop_delay_p99_seconds{instance="files-api-1"}': gauge(0.012),
  [operations('')]: counter(100),
  [operations('NotFound')]: counter(50),
  [connections(pool, 'used')]: gauge(2),
  [`db_client_connection_max{${pool}}`]: gauge(10),
  [`db_client_connection_pending_requests{${pool}}`]: gauge(0),
  [`db_client_connection_timeouts_total{${pool}}`]: counter(0),
  [`db_client_connection_pending_requests{${redis}}`]: gauge(0),
  [connections(redis, 'used')]: gauge(0),
  [connections(redis, 'idle')]: gauge(1),
  'slipway_quota_fullest_ratio{slipway_quota_resource="bytes"}': gauge(0.5),
  [backupAge('postgres')]: gauge(day),
  [backupAge('objects')]: gauge(day),
  [drill]: gauge(30 * day),
  [`otelcol_exporter_send_failed_spans_total{${exporter}}`]: counter(0),
  [`otelcol_exporter_queue_size{${exporter},data_type="traces"}`]: gauge(5),
  [`otelcol_exporter_queue_capacity{${exporter},data_type="traces"}`]: gauge(100),
  [`otelcol_receiver_refused_spans_total{${exporter}}`]: counter(0),
  [certificate]: gauge(90 * day),
}

/** Key: the alert that the fault is about, and after a comma what tells its faults apart. */
export const alertCases: Readonly<Record<string, AlertCase>> = {
  SlipwayAvailabilityBurnsFast: {
    fault: { [requests(503)]: counter(0, 73) },
    lasts: 15,
    firing: [[8], [14, 'SlipwayAvailabilityBurnsFast'], [50]],
  },
  SlipwayAvailabilityBurns: {
    fault: { [requests(503)]: counter(0, 8.8) },
    lasts: 75,
    firing: [[60], [70, 'SlipwayAvailabilityBurns', 'SlipwayAvailabilityBurnsSlowly'], [110, 'SlipwayAvailabilityBurnsSlowly']],
  },
  SlipwayAvailabilityBurnsSlowly: {
    fault: { [requests(503)]: counter(0, 1.1) },
    lasts: 170,
    firing: [[140], [160, 'SlipwayAvailabilityBurnsSlowly'], [280]],
  },
  SlipwayLatencyBurnsFast: {
    fault: { [quick]: counter(660, 330) },
    lasts: 30,
    firing: [[16], [21, 'SlipwayLatencyBurnsFast'], [29, 'SlipwayLatencyBurns', 'SlipwayLatencyBurnsFast'], [45, 'SlipwayLatencyBurns']],
  },
  SlipwayLatencyBurns: {
    fault: { [quick]: counter(660, 607) },
    lasts: 210,
    firing: [
      [60],
      [190, 'SlipwayLatencyBurnsSlowly'],
      [205, 'SlipwayLatencyBurns', 'SlipwayLatencyBurnsSlowly'],
      [245, 'SlipwayLatencyBurnsSlowly'],
    ],
  },
  SlipwayLatencyBurnsSlowly: {
    fault: { [quick]: counter(660, 646.8) },
    lasts: 140,
    firing: [[115], [130, 'SlipwayLatencyBurnsSlowly'], [260]],
  },
  SlipwayScannerDown: {
    fault: { [scanner('ok')]: gauge(1, 0), [scanner('down')]: gauge(0, 1) },
    lasts: 10,
    firing: [[1], [4, 'SlipwayScannerDown'], [12]],
  },
  SlipwayTestSignatures: {
    fault: { [scanner('ok')]: gauge(1, 0), [scanner('test-signatures')]: gauge(0, 1) },
    lasts: 10,
    firing: [[4], [7, 'SlipwayTestSignatures'], [12]],
  },
  SlipwaySignaturesStale: {
    fault: { 'slipway_scan_database_age_seconds{}': gauge(day, 4 * day) },
    lasts: 70,
    firing: [[58], [62, 'SlipwaySignaturesStale'], [72]],
  },
  SlipwayScansSlow: {
    fault: { [scanBucket('1')]: counter(60, 0), [scanBucket('30')]: counter(60, 50) },
    lasts: 30,
    firing: [[18], [25, 'SlipwayScansSlow'], [42]],
  },
  SlipwayScansQueueing: {
    fault: { 'slipway_scan_connection_pending_requests{}': gauge(0, 4) },
    lasts: 20,
    firing: [[13], [18, 'SlipwayScansQueueing'], [22]],
  },
  SlipwayScansFail: {
    fault: { [scans('error')]: counter(0, 6) },
    lasts: 15,
    firing: [[9], [13, 'SlipwayScansFail'], [27]],
  },
  SlipwayInfectedSpike: {
    fault: { [scans('infected')]: counter(0, 1) },
    lasts: 15,
    firing: [[9], [14, 'SlipwayInfectedSpike'], [42]],
  },
  SlipwayUnscannableSpike: {
    fault: { [scans('unscannable')]: counter(0, 30) },
    lasts: 40,
    firing: [[32], [38, 'SlipwayUnscannableSpike'], [92]],
  },
  SlipwayQueueStuck: { fault: { [oldest]: gauge(1, 1000) }, lasts: 10, firing: [[4], [7, 'SlipwayQueueStuck'], [12]] },
  SlipwayBacklogGrows: { fault: { [jobs('waiting')]: ramp(20) }, lasts: 45, firing: [[33], [39, 'SlipwayBacklogGrows'], [47]] },
  SlipwayDeadLetters: { fault: { [jobs('dead')]: gauge(0, 2) }, lasts: 10, firing: [[4], [7, 'SlipwayDeadLetters'], [12]] },
  SlipwayJobsStall: {
    fault: { [`slipway_queue_stalled_total{${queue}}`]: counter(0, 1) },
    lasts: 3,
    firing: [[0], [4, 'SlipwayJobsStall'], [36]],
  },
  SlipwayWorkerGone: {
    fault: { [oldest]: gauge(1, 300), [jobs('active')]: gauge(1, 0), [attempts]: counter(10, 0) },
    lasts: 20,
    firing: [[13], [18, 'SlipwayWorkerGone'], [22]],
  },
  SlipwayApiAbsent: { fault: { [process('files')]: gone }, lasts: 15, firing: [[8], [12, 'SlipwayApiAbsent'], [17]] },
  SlipwayMetricsAbsent: {
    fault: { [process('identity')]: gone, [process('files')]: gone, [process('menu')]: gone },
    lasts: 20,
    firing: [[8], [12, 'SlipwayApiAbsent'], [17, 'SlipwayApiAbsent', 'SlipwayMetricsAbsent'], [22]],
  },
  SlipwayEventLoopBlocked: {
    fault: { 'nodejs_eventloop_delay_p99_seconds{instance="files-api-1"}': gauge(0.012, 0.4) },
    lasts: 15,
    firing: [[9], [12, 'SlipwayEventLoopBlocked'], [17]],
  },
  SlipwayStorageErrors: {
    fault: { [operations('TimeoutError')]: counter(0, 20) },
    lasts: 12,
    firing: [[6], [10, 'SlipwayStorageErrors'], [19]],
  },
  SlipwayDatabasePoolExhausted: {
    fault: { [connections(pool, 'used')]: gauge(2, 10), [`db_client_connection_pending_requests{${pool}}`]: gauge(0, 3) },
    lasts: 10,
    firing: [[4], [7, 'SlipwayDatabasePoolExhausted'], [12]],
  },
  SlipwayDatabaseTimeouts: {
    fault: { [`db_client_connection_timeouts_total{${pool}}`]: counter(0, 2) },
    lasts: 6,
    firing: [[1], [5, 'SlipwayDatabaseTimeouts'], [13]],
  },
  SlipwayRedisDown: { fault: { [connections(redis, 'idle')]: gauge(1, 0) }, lasts: 6, firing: [[1], [4, 'SlipwayRedisDown'], [8]] },
  'SlipwayRedisDown, as it hangs': {
    fault: { [`db_client_connection_pending_requests{${redis}}`]: gauge(0, 3) },
    lasts: 15,
    firing: [[4], [9, 'SlipwayRedisDown'], [17]],
  },
  SlipwayQuotaNearlyFull: {
    fault: { 'slipway_quota_fullest_ratio{slipway_quota_resource="bytes"}': gauge(0.5, 0.95) },
    lasts: 20,
    firing: [[14], [17, 'SlipwayQuotaNearlyFull'], [22]],
  },
  SlipwayBackupTooOld: {
    fault: { [backupAge('postgres')]: gauge(day, 2.2 * day) },
    lasts: 15,
    firing: [[9], [12, 'SlipwayBackupTooOld'], [17]],
  },
  SlipwayBackupNever: {
    fault: { [backupAge('objects')]: gone },
    lasts: 165,
    stretch: 10,
    firing: [[154], [158, 'SlipwayBackupNever'], [166]],
  },
  SlipwayRestoreDrillTooOld: {
    fault: { [drill]: gauge(30 * day, 101 * day) },
    lasts: 150,
    stretch: 30,
    firing: [[142], [146, 'SlipwayRestoreDrillTooOld'], [151]],
  },
  SlipwayTelemetryDropped: {
    fault: { [`otelcol_exporter_send_failed_spans_total{${exporter}}`]: counter(0, 10) },
    lasts: 15,
    firing: [[9], [13, 'SlipwayTelemetryDropped'], [22]],
  },
  SlipwayTelemetryQueueFills: {
    fault: { [`otelcol_exporter_queue_size{${exporter},data_type="traces"}`]: gauge(5, 90) },
    lasts: 15,
    firing: [[9], [12, 'SlipwayTelemetryQueueFills'], [17]],
  },
  SlipwayCollectorRefuses: {
    fault: { [`otelcol_receiver_refused_spans_total{${exporter}}`]: counter(0, 5) },
    lasts: 10,
    firing: [[4], [8, 'SlipwayCollectorRefuses'], [17]],
  },
  SlipwayCertificateExpires: {
    fault: { [certificate]: gauge(90 * day, 10 * day) },
    lasts: 70,
    firing: [[58], [62, 'SlipwayCertificateExpires'], [72]],
  },
}
