import { z } from 'zod'
import type { FolderRow } from '../domain/folders.ts'
import type { FileRow } from '../domain/listing.ts'
import { readName } from '../domain/names.ts'
import { rescanReasons, verdicts } from '../schema.ts'

/** The rule for names stands in domain/names.ts. */
export const Name = z
  .string()
  .max(4096)
  .transform((raw, context) => {
    const reading = readName(raw)
    if (reading.ok) return reading.name
    context.addIssue({ code: 'custom', message: reading.fault })
    return z.NEVER
  })

export const Id = z.uuid()
export const IdParams = z.object({ id: Id })

export const Revision = z.coerce.number().int().min(1).max(2_147_483_647)

/** A query parameter that is a flag. */
export const Flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true')

export const Scan = z.object({
  engine: z.string().describe('Name and version of the scanner'),
  database: z.string().describe('Number and date of the signature database; empty if only test signatures were loaded'),
  at: z.iso.datetime(),
  milliseconds: z.int().describe('From the last byte to the verdict'),
})

const Rescan = z.object({
  reason: z.enum(rescanReasons).describe('What the scanner could not look at, or what was wrong with the stored bytes'),
  database: z.string(),
  at: z.iso.datetime(),
})

const Release = z.object({
  by: z.string(),
  approvedBy: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
  verdict: z.enum(['infected', 'unscannable']),
  signature: z.string().nullable(),
})

export const File = z.object({
  id: Id,
  name: z.string(),
  folderId: Id.nullable().describe('null = the root'),
  size: z.int().describe('Bytes'),
  contentType: z.string().describe('What the bytes show; what the client declared is never believed'),
  sha256: z.string().nullable().describe('null until the verdict, for what came as a resumable upload'),
  verdict: z.enum(verdicts).describe('Only the content of clean files can be read'),
  scan: Scan.nullable().describe('null until there is a verdict'),
  progress: z
    .object({ phase: z.enum(['waiting', 'scanning']), attempts: z.int(), since: z.iso.datetime() })
    .optional()
    .describe('Only while the verdict is pending'),
  rescan: Rescan.nullable().describe('Of a later scan that gave no new verdict; the file stays readable by that in `scan`'),
  release: Release.nullable().describe('Who released the content from quarantine, and what the scanner had found in it'),
  revision: z.int().describe('Of its content: the order of those who wrote'),
  etag: z.string().describe('For If-Match, quotes included'),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  trashedAt: z.iso.datetime().nullable(),
  traceId: z.string().nullable().describe('Of the upload, as its log lines and spans have it; null for files of before it was kept'),
})

export const Folder = z.object({
  id: Id,
  name: z.string(),
  parentId: Id.nullable().describe('null = the root'),
  etag: z.string().describe('For If-Match, quotes included'),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})

export function etagOf(row: { version: number }): string {
  return `"${row.version}"`
}

export function fileBody(row: FileRow, now: Date): z.input<typeof File> {
  return {
    id: row.id,
    name: row.name,
    folderId: row.folderId,
    size: row.size,
    contentType: row.contentType,
    sha256: row.sha256,
    verdict: row.verdict,
    scan: scanBody(row),
    ...(row.verdict === 'pending' ? { progress: progressBody(row, now) } : {}),
    rescan: rescanBody(row),
    release: row.release,
    revision: row.revision,
    etag: etagOf(row),
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    trashedAt: row.trashedAt?.toISOString() ?? null,
    traceId: row.traceId,
  }
}

export function scanBody(row: FileRow): z.input<typeof Scan> | null {
  if (!row.scanAt || row.verdict === 'pending') return null
  return {
    engine: row.scanEngine ?? '',
    database: row.scanDatabase ?? '',
    at: row.scanAt.toISOString(),
    milliseconds: row.scanMilliseconds ?? 0,
  }
}

function rescanBody({ rescanReason, rescanDatabase, rescanAt }: FileRow): z.input<typeof Rescan> | null {
  if (!rescanReason || !rescanAt) return null
  return { reason: rescanReason, database: rescanDatabase ?? '', at: rescanAt.toISOString() }
}

/** clamd tells nothing while it works: what can be shown is whether somebody holds the lease, and the how-many-th try it is. */
function progressBody(row: FileRow, now: Date): z.input<typeof File>['progress'] {
  const held = row.leaseUntil !== null && row.leaseUntil > now
  return { phase: held ? 'scanning' : 'waiting', attempts: row.scanAttempts, since: row.createdAt.toISOString() }
}

export function folderBody(row: FolderRow): z.input<typeof Folder> {
  return {
    id: row.id,
    name: row.name,
    parentId: row.parentId,
    etag: etagOf(row),
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

const at = '2026-11-21T09:30:00.000Z'

export const fileExample: z.input<typeof File> = {
  id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11',
  name: 'photo.jpg',
  folderId: null,
  size: 48_213,
  contentType: 'image/jpeg',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  verdict: 'clean',
  scan: { engine: 'ClamAV 1.4.3', database: '27791/Thu Oct 16 09:44:12 2026', at, milliseconds: 12 },
  rescan: null,
  release: null,
  revision: 1,
  etag: '"2"',
  createdBy: 'user:kT4mJc0q',
  createdAt: at,
  updatedAt: at,
  trashedAt: null,
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
}

export const folderExample: z.input<typeof Folder> = {
  id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b12',
  name: 'Invoices',
  parentId: null,
  etag: '"1"',
  createdBy: 'user:kT4mJc0q',
  createdAt: at,
  updatedAt: at,
}
