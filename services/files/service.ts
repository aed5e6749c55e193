import { integer, type Values } from '@slipway/config'
import { days, hours, minutes } from '@slipway/queue'
import { auditRoute, defineService, type Runtime } from '@slipway/service'
import { createAssembler } from '@slipway/storage'
import type { FilesContext } from './context.ts'
import { bucketRows } from './domain/bucket-rows.ts'
import { createDownloads } from './domain/downloads.ts'
import { filesBucket } from './domain/object.ts'
import { observeQuota } from './domain/quota-metrics.ts'
import { createReadCounter } from './domain/read-counter.ts'
import { createRescans } from './domain/rescans.ts'
import { createUploadLocks } from './domain/resumable-lock.ts'
import type { RetentionLimits } from './domain/retention.ts'
import { createSettler } from './domain/settler.ts'
import { fileIsolation } from './jobs/file-isolation.ts'
import { filePurge } from './jobs/file-purge.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { fileRescanSweep } from './jobs/file-rescan-sweep.ts'
import { fileScan } from './jobs/file-scan.ts'
import { infectionNotice } from './jobs/infection-notice.ts'
import { objectRemoval } from './jobs/object-removal.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { getContent } from './routes/content.ts'
import { deleteFile, getFile, listFiles, patchFile, restoreFileRoute } from './routes/files.ts'
import { createFolderRoute, deleteFolder, getFolder, listFolders, patchFolder } from './routes/folders.ts'
import { putContent } from './routes/overwrite.ts'
import { getQuarantine, listQuarantine, purgeQuarantine } from './routes/quarantine.ts'
import { releaseRoute, withdrawReleaseRoute } from './routes/release.ts'
import { rescanRoute } from './routes/rescan.ts'
import { createResumable, deleteResumable, getResumable, patchResumable, resumableOptions } from './routes/resumable.ts'
import { getRetention, putRetention } from './routes/retention.ts'
import { uploadFile } from './routes/upload.ts'
import { getUsage } from './routes/usage.ts'
import { deleteVersion, getVersion, getVersionContent, listVersions, restoreVersionRoute } from './routes/versions.ts'

const mebibyte = 1_048_576
const gibibyte = 1024 * mebibyte

const config = {
  maxBytes: integer('FILES_MAX_BYTES', {
    default: gibibyte,
    min: 1,
    description: 'Bytes of one file at most; not above CLAMAV_MAX_FILE_BYTES',
  }),
  syncBytes: integer('FILES_SYNC_BYTES', {
    default: 64 * mebibyte,
    description: 'Up to this size an upload is answered with its verdict, above it with 202',
  }),
  quotaBytes: integer('FILES_QUOTA_BYTES', { default: 100 * gibibyte, description: 'Bytes that a tenant may keep, trash included' }),
  quotaFiles: integer('FILES_QUOTA_FILES', {
    default: 100_000,
    max: 2_147_483_647,
    description: 'Files that a tenant may keep, trash included',
  }),
  trashDays: integer('FILES_TRASH_DAYS', {
    default: 30,
    description: 'Days until what lies in the trash is purged, unless the tenant says',
  }),
  versionsKept: integer('FILES_VERSIONS_KEPT', {
    default: 20,
    description: 'Earlier versions of a file that are kept when it is overwritten, unless the tenant says; 0 = none',
  }),
  versionDays: integer('FILES_VERSION_DAYS', {
    default: 90,
    min: 1,
    description: 'Days until an earlier version of a file is purged, unless the tenant says',
  }),
  mostVersions: integer('FILES_VERSIONS_MOST', {
    default: 100,
    max: 1000,
    description: 'Earlier versions of a file that a tenant may keep',
  }),
  mostDays: integer('FILES_RETENTION_DAYS_MOST', {
    default: 3650,
    min: 1,
    max: 36_500,
    description: 'Days that a tenant may keep versions and the trash',
  }),
  quarantineDays: integer('FILES_QUARANTINE_DAYS', { default: 90, description: 'Days until refused files and their records are purged' }),
  resumableHours: integer('FILES_RESUMABLE_HOURS', {
    default: 24,
    min: 1,
    max: 720,
    description: 'Hours that a resumable upload may take',
  }),
  rescanShare: integer('FILES_RESCAN_SHARE', {
    default: 25,
    min: 1,
    max: 100,
    description: 'Percent of its time that a worker looks again at readable files after the signatures have moved, one at a time',
  }),
}

const getAudit = auditRoute<FilesContext>({
  path: '/api/v1/files/audit',
  operation: 'files.audit',
  description: 'Newest first: files, folders and quarantine.',
  tags: ['files'],
})

// Fixed paths come before those with a parameter in the same place.
const fileRoutes = [
  uploadFile,
  listFiles,
  getUsage,
  getAudit,
  getFile,
  getContent,
  putContent,
  patchFile,
  deleteFile,
  restoreFileRoute,
  rescanRoute,
]
const versionRoutes = [listVersions, getVersion, getVersionContent, restoreVersionRoute, deleteVersion]
const retentionRoutes = [getRetention, putRetention]
const resumableRoutes = [createResumable, getResumable, patchResumable, deleteResumable, resumableOptions]
const folderRoutes = [createFolderRoute, listFolders, getFolder, patchFolder, deleteFolder]
const quarantineRoutes = [listQuarantine, getQuarantine, purgeQuarantine, releaseRoute, withdrawReleaseRoute]

export const files = defineService({
  name: 'files',
  title: 'Files',
  description: 'Malware-scanned file storage: what can be read has been found clean.',
  config,
  migrations: new URL('./migrations/', import.meta.url),
  buckets: [filesBucket],
  bucketRows,
  routes: [...retentionRoutes, ...fileRoutes, ...versionRoutes, ...resumableRoutes, ...folderRoutes, ...quarantineRoutes],
  queues: [fileScan, filePurge, objectRemoval, quarantineSweep, fileRescan, fileRescanSweep, fileIsolation, infectionNotice],
  schedules: [
    { id: 'file-purge', queue: filePurge, every: hours(1), payload: { version: 1 } },
    { id: 'quarantine-sweep-stuck', queue: quarantineSweep, every: minutes(5), payload: { version: 1, scope: 'stuck' } },
    { id: 'quarantine-sweep', queue: quarantineSweep, every: days(1), payload: { version: 1, scope: 'all' } },
    { id: 'file-rescan-sweep', queue: fileRescanSweep, every: minutes(10), payload: { version: 1 } },
  ],
  context: createContext,
})

/** @throws if a default is above what tenants may ask for */
function retentionLimits({ versionsKept, versionDays, trashDays, mostVersions, mostDays }: Values<typeof config>): RetentionLimits {
  const faults = [
    versionsKept > mostVersions && `FILES_VERSIONS_KEPT is ${versionsKept}, above FILES_VERSIONS_MOST (${mostVersions})`,
    versionDays > mostDays && `FILES_VERSION_DAYS is ${versionDays}, above FILES_RETENTION_DAYS_MOST (${mostDays})`,
    trashDays > mostDays && `FILES_TRASH_DAYS is ${trashDays}, above FILES_RETENTION_DAYS_MOST (${mostDays})`,
  ].filter((fault) => fault !== false)
  if (faults.length > 0) throw new Error(`${faults.join('; ')}: lower it, or raise the maximum`)
  return { versionsKept, versionDays, trashDays, most: { versionsKept: mostVersions, days: mostDays } }
}

/** @throws if FILES_MAX_BYTES is above what the scanner takes: everything between would be uploaded only to be refused */
function createContext(runtime: Runtime<Values<typeof config>>): FilesContext {
  const { config, platform, database, system, storage, gate, now, log } = runtime
  const { maxFileBytes } = platform.scanner
  if (config.maxBytes > maxFileBytes) {
    throw new Error(
      `FILES_MAX_BYTES is ${config.maxBytes}, above CLAMAV_MAX_FILE_BYTES (${maxFileBytes}): lower it, or raise the limits of clamd`,
    )
  }
  const onError = (error: unknown) => log.warn({ err: error }, 'a pending file could not be settled here; file-scan goes on with it')
  const limits = {
    fileBytes: config.maxBytes,
    syncBytes: config.syncBytes,
    quota: { bytes: config.quotaBytes, files: config.quotaFiles },
    retention: retentionLimits(config),
    quarantineDays: config.quarantineDays,
    resumableHours: config.resumableHours,
  }
  const settler = runtime.own(createSettler({ database, storage, limits, now, onError }))
  if (runtime.kind === 'worker') observeQuota(runtime, limits.quota)
  const reads = runtime.own(createReadCounter({ system, now, onError: (error) => log.debug({ err: error }, 'reads were not counted') }))
  const downloads = runtime.own(
    createDownloads({ system, onError: (error) => log.warn({ err: error }, 'nobody can say whether what is read now is still clean') }),
  )
  const rescans = createRescans(runtime, config.rescanShare)
  const uploadLocks = runtime.own(createUploadLocks({ database, system }))
  const assembler = createAssembler(storage)
  return { database, system, storage, gate, assembler, uploadLocks, limits, settler, downloads, reads, rescans, now }
}
