export type { StorageOptions } from './connection.ts'
export {
  type Accepted,
  type AcceptOptions,
  type Clean,
  createScanGate,
  type Pending,
  type PromoteOptions,
  type Refused,
  type ScanGate,
  type ScanGateOptions,
} from './gate.ts'
export type { ByteRange, ObjectRef, QuarantineRef, ReadOptions, StoredObject } from './object.ts'
export type { ProbeCheck, ProbeReport } from './probe.ts'
export type { ObjectContent, ObjectHead } from './reading.ts'
export { createStorage, type Storage } from './storage.ts'
export { abortOpenUploads, type SweepOptions, type SweepReport, sweepBucket, sweepQuarantine } from './sweep.ts'
