export {
  type Assembled,
  type Assembler,
  type Assembly,
  type AssemblyLedger,
  createAssembler,
  newAssembly,
  type OpenAssembly,
} from './assembly.ts'
export { quarantineBucket, type StorageOptions } from './connection.ts'
export type { BucketDiagnosis, BucketFault } from './diagnosis.ts'
export { type AcceptOptions, createScanGate, type Pending, type Rescanned, type ScanGate, type ScanGateOptions } from './gate.ts'
export type { Accepted, Clean, PromoteOptions, Refused } from './judge.ts'
export type { ByteRange, ObjectRef, QuarantineRef, ReadOptions, StoredObject } from './object.ts'
export type { OperationEnd } from './operations.ts'
export type { ProbeCheck, ProbeReport } from './probe.ts'
export { listsOpenUploads } from './probe-checks.ts'
export type { ObjectContent, ObjectHead } from './reading.ts'
export {
  type BucketRows,
  type Discrepancy,
  type DiscrepancyKind,
  type ExpectedObject,
  type ReconcileOptions,
  type Reconciliation,
  reconcile,
} from './reconcile.ts'
export { createStorage, type Storage } from './storage.ts'
export { abortOpenUploads, type SweepOptions, type SweepReport, sweepBucket, sweepQuarantine } from './sweep.ts'
