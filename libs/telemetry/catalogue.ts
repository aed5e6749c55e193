import { contentCatalogue } from './catalogue-content.ts'
import { acquireSeconds, type Metric, requestSeconds, workSeconds } from './metric.ts'

const methods = { 'http.request.method': { values: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] } }
const queue = { 'messaging.destination.name': { atMost: 200, such: 'declared queues' } }
const pool = { 'db.client.connection.pool.name': { atMost: 60, such: 'Postgres roles of the process, `redis/<purpose>`' } }
const resources = ['bytes', 'files']
const backupKind = { 'slipway.backup.kind': { values: ['postgres', 'objects'] } }

/**
 * Every metric that the platform records itself. Instruments are made from this table and drop attributes that it does not name, and
 * `docs/metrics.md` is written from it. No tenant, person, file, job or path is an attribute: those are in spans and logs.
 */
export const catalogue = {
  'http.server.request.duration': {
    type: 'histogram',
    unit: 's',
    description: 'From the first byte of the request to the end of the answer; its count is the rate',
    attributes: {
      ...methods,
      'http.route': { atMost: 500, such: 'templates of declared routes; absent when none matched' },
      'http.response.status_code': { atMost: 60, such: 'codes of the table of problems; 499 = the client left' },
      'error.type': { atMost: 20, such: 'the status, from 500 on' },
    },
    boundaries: requestSeconds,
    where: 'libs/service/api.ts',
  },
  'http.server.active_requests': {
    type: 'level',
    unit: '{request}',
    description: 'Requests under way, from their headers to the end of the answer',
    attributes: methods,
    where: 'libs/service/api.ts',
  },
  'slipway.http.rate_limit.unchecked': {
    type: 'counter',
    unit: '{request}',
    description: 'Requests whose limit could not be asked for, as Redis was gone: ordinary ones pass, attempts to sign in are refused',
    attributes: { 'slipway.http.rate_limit.outcome': { values: ['passed', 'refused'] } },
    where: 'libs/service/api.ts',
  },
  'messaging.process.duration': {
    type: 'histogram',
    unit: 's',
    description: 'One attempt of a job; its count is the rate of attempts',
    attributes: {
      ...queue,
      'messaging.operation.name': { values: ['process'] },
      'messaging.system': { values: ['bullmq'] },
      'slipway.job.outcome': { values: ['completed', 'retrying', 'failed', 'dead', 'cancelled', 'interrupted', 'skipped'] },
    },
    boundaries: workSeconds,
    where: 'libs/service/worker.ts',
  },
  'slipway.queue.wait': {
    type: 'histogram',
    unit: 's',
    description: 'From when an attempt could run to when it did',
    attributes: queue,
    boundaries: workSeconds,
    where: 'libs/service/worker.ts',
  },
  'slipway.queue.attempts': {
    type: 'histogram',
    unit: '{attempt}',
    description: 'Attempts that a job had taken when it ended for good',
    attributes: { ...queue, 'slipway.job.outcome': { values: ['completed', 'failed', 'dead', 'cancelled'] } },
    boundaries: [1, 2, 3, 5, 8, 13, 21],
    where: 'libs/service/worker.ts',
  },
  'slipway.queue.stalled': {
    type: 'counter',
    unit: '{job}',
    description: 'Jobs whose worker was lost and that were given to another',
    attributes: queue,
    where: 'libs/service/worker.ts',
  },
  'slipway.queue.dead_letters': {
    type: 'counter',
    unit: '{job}',
    description: 'Jobs that became dead letters',
    attributes: queue,
    where: 'libs/service/worker.ts',
  },
  'slipway.queue.jobs': {
    type: 'gauge',
    unit: '{job}',
    description:
      'Jobs by state: `pending` (owed by Postgres, not in Redis yet) and `dead` (a person decides) are rows, the others are in Redis',
    attributes: { ...queue, 'slipway.job.state': { values: ['pending', 'waiting', 'active', 'delayed', 'failed', 'dead'] } },
    shared: true,
    where: 'libs/service/observe.ts',
  },
  'slipway.queue.oldest_age': {
    type: 'gauge',
    unit: 's',
    description: 'Since the job that has waited longest could have run, whether it is in Redis or still pending; 0 when none waits',
    attributes: queue,
    shared: true,
    where: 'libs/service/observe.ts',
  },
  ...contentCatalogue,
  'db.client.connection.count': {
    type: 'level',
    unit: '{connection}',
    description: 'Connections by state. Redis: one for each purpose, which all share; it is used while answers are owed',
    attributes: { ...pool, 'db.client.connection.state': { values: ['used', 'idle'] } },
    where: 'libs/service/observe.ts',
  },
  'db.client.connection.max': {
    type: 'level',
    unit: '{connection}',
    description: 'Connections at most',
    attributes: pool,
    where: 'libs/service/observe.ts',
  },
  'db.client.connection.pending_requests': {
    type: 'level',
    unit: '{request}',
    description: 'Postgres: requests that wait for a connection. Redis: commands that wait for their answer',
    attributes: pool,
    where: 'libs/service/observe.ts',
  },
  'db.client.connection.wait_time': {
    type: 'histogram',
    unit: 's',
    description: 'Waiting for a connection of the pool, connecting included; Postgres only, as nothing waits for a shared connection',
    attributes: pool,
    boundaries: acquireSeconds,
    where: 'libs/service/resources.ts',
  },
  'db.client.connection.timeouts': {
    type: 'counter',
    unit: '{timeout}',
    description: 'Requests that got no connection, for whatever reason',
    attributes: pool,
    where: 'libs/service/resources.ts',
  },
  'slipway.certificate.remaining': {
    type: 'gauge',
    unit: 's',
    description:
      'How long the certificate is still valid that a store showed at the last connection of this process; negative when expired, absent without TLS',
    attributes: { 'slipway.store': { values: ['postgres', 'redis', 'storage'] } },
    where: 'libs/service/certificates.ts',
  },
  'slipway.quota.bytes': {
    type: 'gauge',
    unit: 'By',
    description: 'Bytes that all tenants together keep, trash included',
    attributes: {},
    shared: true,
    where: 'services/files/domain/quota-metrics.ts',
  },
  'slipway.quota.files': {
    type: 'gauge',
    unit: '{file}',
    description: 'Files that all tenants together keep, trash included',
    attributes: {},
    shared: true,
    where: 'services/files/domain/quota-metrics.ts',
  },
  'slipway.quota.tenants': {
    type: 'gauge',
    unit: '{tenant}',
    description: 'Tenants that keep something',
    attributes: {},
    shared: true,
    where: 'services/files/domain/quota-metrics.ts',
  },
  'slipway.quota.fullest': {
    type: 'gauge',
    unit: '1',
    description: 'How much of its quota the fullest tenant has used: 1 is all. Which tenant it is, the API tells operators',
    attributes: { 'slipway.quota.resource': { values: resources } },
    shared: true,
    where: 'services/files/domain/quota-metrics.ts',
  },
  'slipway.backup.age': {
    type: 'gauge',
    unit: 's',
    description: 'Since the last complete backup began; absent before the first',
    attributes: backupKind,
    shared: true,
    where: 'libs/service/observe.ts',
  },
  'slipway.backup.size': {
    type: 'gauge',
    unit: 'By',
    description: 'Of the last complete backup',
    attributes: backupKind,
    shared: true,
    where: 'libs/service/observe.ts',
  },
  'slipway.backup.drill.age': {
    type: 'gauge',
    unit: 's',
    description: 'Since a restore last came to its end; absent before the first',
    attributes: {},
    shared: true,
    where: 'libs/service/observe.ts',
  },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof catalogue
export type NamesOf<Type extends Metric['type']> = {
  [Name in MetricName]: (typeof catalogue)[Name]['type'] extends Type ? Name : never
}[MetricName]
export type AttributesOf<Name extends MetricName> = {
  [Key in keyof (typeof catalogue)[Name]['attributes']]?: string | number | undefined
}
