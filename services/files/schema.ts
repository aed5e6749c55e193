import { tenantColumns } from '@slipway/db'
import type { Assembly, QuarantineRef } from '@slipway/storage'
import { sql } from 'drizzle-orm'
import { bigint, boolean, index, integer, json, jsonb, pgSchema, smallint, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import type { Author } from './domain/author.ts'

const schema = pgSchema('files')

/** Milliseconds, as JavaScript has them: a cursor made of a timestamp must come back as the same value. */
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
const byteCount = (name: string) => bigint(name, { mode: 'number' })

export const folders = schema.table(
  'folders',
  {
    id: uuid('id').primaryKey(),
    ...tenantColumns,
    parentId: uuid('parent_id'),
    name: text('name').notNull(),
    nameKey: text('name_key').notNull(),
    version: integer('version').notNull().default(1),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
  },
  (table) => [uniqueIndex('folders_name').on(table.tenantId, table.parentId, table.nameKey)],
)

/**
 * `pending` = the bytes are in quarantine; `clean` = they are in the readable bucket; the other two = they stay in quarantine.
 * A row is written before the object becomes readable, so that no readable object is without a row.
 */
export const verdicts = ['pending', 'clean', 'infected', 'unscannable'] as const

/**
 * Why a rescan gave no new verdict: those of the scanner for what it cannot look at, `altered` = other bytes than were accepted, `lost` =
 * no bytes, `error` = the scanner failed at it again and again.
 */
export const rescanReasons = ['limits', 'encrypted', 'timeout', 'size', 'archive-member', 'altered', 'lost', 'error'] as const

/** Content that was refused and is readable all the same. */
export interface Release {
  /** Two people; keys count as those who made them. */
  by: string
  approvedBy: string
  reason: string
  at: string
  /** What it was released in spite of: another finding refuses it again. */
  verdict: 'infected' | 'unscannable'
  signature: string | null
}

/** The first of two admins. */
export interface ReleaseRequest {
  /** `user:…` or `key:…`, as they asked. */
  by: string
  /** Who is behind that. */
  person: string
  reason: string
  at: string
}

/** The verdict by which content was readable until a rescan. */
export interface EarlierVerdict {
  engine: string
  database: string
  at: string | null
}

export const files = schema.table(
  'files',
  {
    id: uuid('id').primaryKey(),
    ...tenantColumns,
    folderId: uuid('folder_id'),
    name: text('name').notNull(),
    nameKey: text('name_key').notNull(),
    size: byteCount('size').notNull(),
    contentType: text('content_type').notNull(),
    /** Null until the scan of a resumable upload, which is the first to see all of it. */
    sha256: text('sha256'),
    verdict: text('verdict', { enum: verdicts }).notNull(),
    scanEngine: text('scan_engine'),
    scanDatabase: text('scan_database'),
    scanAt: moment('scan_at'),
    scanMilliseconds: integer('scan_milliseconds'),
    scanAttempts: integer('scan_attempts').notNull().default(0),
    /** Where the bytes are until they are clean. */
    quarantine: jsonb('quarantine').$type<QuarantineRef>(),
    /** Who may settle the verdict now; another process may take over when the lease has run out. */
    leaseToken: uuid('lease_token'),
    leaseUntil: moment('lease_until'),
    version: integer('version').notNull().default(1),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
    trashedAt: moment('trashed_at'),
    trashedBy: text('trashed_by'),
    /** Of the upload. */
    traceId: text('trace_id'),
    /** How often content was given out, and when last: hints, counted in batches. */
    reads: byteCount('reads').notNull().default(0),
    readAt: moment('read_at'),
    /** The power of two that `reads` has reached, for the order of rescans. */
    readRank: smallint('read_rank').notNull().default(0),
    /** Of a rescan that gave no new verdict; `scan…` are those of the verdict by which the file is readable. */
    rescanReason: text('rescan_reason', { enum: rescanReasons }),
    rescanDatabase: text('rescan_database'),
    rescanAt: moment('rescan_at'),
    release: jsonb('release').$type<Release>(),
    /** The file whose earlier, or coming, content this row holds: a version. Null = a file that people see. */
    headId: uuid('head_id'),
    /** Which object holds the bytes: see `contentIdOf`. */
    contentId: uuid('content_id'),
    /** The order of those who wrote. */
    revision: integer('revision').notNull().default(1),
    /** Of a file: the highest that was given to a content of it. */
    lastRevision: integer('last_revision').notNull().default(1),
    /** When something else became the content of the file. */
    supersededAt: moment('superseded_at'),
    /** Of the content, where it is not that with which the file was made. */
    contentBy: text('content_by'),
    contentAt: moment('content_at'),
  },
  (table) => [
    uniqueIndex('files_name')
      .on(table.tenantId, table.folderId, table.nameKey)
      .where(sql`trashed_at is null and head_id is null and verdict in ('pending', 'clean')`),
    uniqueIndex('files_versions').on(table.headId, table.revision).where(sql`head_id is not null`),
    index('files_by_time').on(table.tenantId, table.createdAt, table.id),
    index('files_by_size').on(table.tenantId, table.size, table.id),
    index('files_by_name').on(table.tenantId, table.nameKey, table.id),
    index('files_trashed').on(table.tenantId, table.trashedAt).where(sql`trashed_at is not null`),
  ],
)

/** What was refused and why. The bytes stay in the quarantine bucket as evidence until the record is purged. */
export const quarantine = schema.table(
  'quarantine',
  {
    id: uuid('id').primaryKey(),
    ...tenantColumns,
    name: text('name').notNull(),
    folderId: uuid('folder_id'),
    size: byteCount('size').notNull(),
    contentType: text('content_type').notNull(),
    sha256: text('sha256').notNull(),
    verdict: text('verdict', { enum: ['infected', 'unscannable'] }).notNull(),
    signature: text('signature'),
    reason: text('reason'),
    raw: text('raw').notNull(),
    engine: text('engine').notNull(),
    database: text('database').notNull(),
    milliseconds: integer('milliseconds').notNull(),
    uploadedBy: text('uploaded_by').notNull(),
    uploadedFrom: jsonb('uploaded_from').$type<UploadOrigin>().notNull(),
    objectKey: text('object_key').notNull(),
    createdAt: moment('created_at').notNull(),
    foundBy: text('found_by', { enum: ['upload', 'rescan'] })
      .notNull()
      .default('upload'),
    /** Of a rescan only, as are those that follow. */
    earlier: jsonb('earlier').$type<EarlierVerdict>(),
    reads: byteCount('reads').notNull().default(0),
    readAt: moment('read_at'),
    /** Null while the bytes are still in the readable bucket, where nobody is given them. */
    isolatedAt: moment('isolated_at'),
    release: jsonb('release').$type<ReleaseRequest>(),
    noticeId: uuid('notice_id'),
    noticedAt: moment('noticed_at'),
    /** Which object of the readable bucket a rescan found it in: see `contentIdOf`. */
    contentId: uuid('content_id'),
  },
  (table) => [index('quarantine_by_time').on(table.tenantId, table.createdAt, table.id)],
)

export interface UploadOrigin {
  ip?: string | undefined
  userAgent?: string | undefined
  requestId?: string | undefined
  traceId?: string | undefined
}

/** Uploads that come in several requests. A row is kept until `expiresAt` also when the upload is finished: then it tells the file. */
export const resumableUploads = schema.table(
  'resumable_uploads',
  {
    id: text('id').primaryKey(),
    ...tenantColumns,
    fileId: uuid('file_id').notNull().unique(),
    createdBy: text('created_by').notNull(),
    /** Who began it and from where: for what a worker finishes on behalf of them. */
    author: jsonb('author').$type<Pick<Author, 'principal' | 'from'>>().notNull(),
    name: text('name').notNull(),
    folderId: uuid('folder_id'),
    onConflict: text('on_conflict', { enum: ['rename', 'fail'] }).notNull(),
    metadata: json('metadata').$type<Record<string, string | null>>().notNull(),
    /** Null as long as the client does not know it. */
    length: byteCount('length'),
    received: byteCount('received').notNull().default(0),
    reserved: byteCount('reserved').notNull(),
    assembly: jsonb('assembly').$type<Assembly>().notNull(),
    nextPart: integer('next_part').notNull().default(1),
    lockToken: uuid('lock_token'),
    lockUntil: timestamp('lock_until', { withTimezone: true }),
    releaseWanted: boolean('release_wanted').notNull().default(false),
    createdAt: moment('created_at').notNull(),
    expiresAt: moment('expires_at').notNull(),
    finishedAt: moment('finished_at'),
  },
  (table) => [index('resumable_uploads_of_user').on(table.tenantId, table.createdBy, table.createdAt)],
)

/**
 * One row per tenant: what counts against the quota. Its row lock is also the lock of the tenant's tree: whoever changes names,
 * folders or counts takes it first, so cycles, double names and overdrafts cannot arise from two changes at a time.
 */
export const usage = schema.table('usage', {
  tenantId: uuid('tenant_id').primaryKey(),
  bytes: byteCount('bytes').notNull().default(0),
  files: integer('files').notNull().default(0),
  /** When owners and admins were last told of malware that a rescan has found. */
  noticedAt: moment('noticed_at'),
})

/** What a tenant has decided on keeping what was overwritten or deleted; null = as the installation does. */
export const retention = schema.table('retention', {
  tenantId: uuid('tenant_id').primaryKey(),
  versionsKept: integer('versions_kept'),
  versionDays: integer('version_days'),
  trashDays: integer('trash_days'),
  version: integer('version').notNull().default(1),
  updatedBy: text('updated_by').notNull(),
  updatedAt: moment('updated_at').notNull(),
})
