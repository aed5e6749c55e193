import { acquireSeconds, type Metric, requestSeconds, workSeconds } from './metric.ts'

/** What happens to content: scans and object storage. */
export const contentCatalogue = {
  'slipway.scan.duration': {
    type: 'histogram',
    unit: 's',
    description: 'From the last byte to the verdict',
    attributes: { 'slipway.scan.verdict': { values: ['clean', 'infected', 'unscannable', 'error'] } },
    boundaries: workSeconds,
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.verdicts': {
    type: 'counter',
    unit: '{file}',
    description: 'Scans by what they found; `error` also when clamd was lost',
    attributes: { 'slipway.scan.verdict': { values: ['clean', 'infected', 'unscannable', 'error'] } },
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.bytes': {
    type: 'counter',
    unit: 'By',
    description: 'Bytes that were scanned',
    attributes: { 'slipway.scan.verdict': { values: ['clean', 'infected', 'unscannable', 'error'] } },
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.unscannable': {
    type: 'counter',
    unit: '{file}',
    description: 'Files that could not be looked at as a whole',
    attributes: { 'slipway.scan.reason': { values: ['limits', 'encrypted', 'timeout', 'size', 'archive-member'] } },
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.connection.wait_time': {
    type: 'histogram',
    unit: 's',
    description: 'Waiting for a place at clamd, connecting included; `error.type` when there was none',
    attributes: { 'error.type': { values: ['service.overloaded', 'scanner.unavailable', 'cancelled'] } },
    boundaries: acquireSeconds,
    where: 'libs/service/resources.ts',
  },
  'slipway.scan.connection.count': {
    type: 'level',
    unit: '{connection}',
    description: 'Places at clamd of this process',
    attributes: { 'slipway.scan.connection.state': { values: ['used', 'idle'] } },
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.connection.max': {
    type: 'level',
    unit: '{connection}',
    description: 'Places at clamd of this process at most',
    attributes: {},
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.connection.pending_requests': {
    type: 'level',
    unit: '{request}',
    description: 'Scans that wait for a place',
    attributes: {},
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.status': {
    type: 'gauge',
    unit: '1',
    description: '1 for the state that clamd is in as this process sees it, 0 for the others; `test-signatures`: malware is not found',
    attributes: { 'slipway.scan.status': { values: ['ok', 'test-signatures', 'down'] } },
    where: 'libs/service/observe.ts',
  },
  'slipway.scan.database.age': {
    type: 'gauge',
    unit: 's',
    description: 'Since the official signature database was made; absent without one and while clamd is down',
    attributes: {},
    shared: true,
    where: 'libs/service/observe.ts',
  },
  'slipway.rescan.files': {
    type: 'counter',
    unit: '{file}',
    description:
      'Readable files that were looked at again, by what came of it; `unscannable`, `altered`, `lost` and `error` stay readable and are marked, unless altered bytes are not found clean',
    attributes: {
      'slipway.rescan.outcome': { values: ['clean', 'released', 'infected', 'unscannable', 'altered', 'lost', 'error', 'current', 'gone'] },
    },
    where: 'services/files/domain/rescans.ts',
  },
  'slipway.upload.displaced': {
    type: 'counter',
    unit: '{upload}',
    description:
      'Uploads that made room for others (503 service.overloaded): their bytes came too slowly, or their tenant had several and another none',
    attributes: { 'slipway.upload.reason': { values: ['slow', 'share'] } },
    where: 'libs/service/resources.ts',
  },
  'slipway.storage.operation.duration': {
    type: 'histogram',
    unit: 's',
    description: 'One S3 operation with its retries, to the beginning of its answer; its count is the rate',
    attributes: {
      'slipway.storage.operation': { atMost: 40, such: 'names of S3 operations' },
      'error.type': { atMost: 20, such: 'names of S3 and network errors; a missing object is one' },
    },
    boundaries: requestSeconds,
    where: 'libs/service/resources.ts',
  },
  'slipway.storage.bytes': {
    type: 'counter',
    unit: 'By',
    description: 'Bytes of bodies: what was sent, and what answers announced',
    attributes: { 'slipway.storage.direction': { values: ['read', 'write'] } },
    where: 'libs/service/resources.ts',
  },
} as const satisfies Record<string, Metric>
