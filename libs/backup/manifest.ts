import { z } from 'zod'

export const backupKinds = ['postgres', 'objects'] as const
export type BackupKind = (typeof backupKinds)[number]

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const idForm = /^\d{8}T\d{6}Z$/

const common = {
  version: z.literal(1),
  /** The moment of its beginning, which sorts as text: `20261121T021500Z`. */
  id: z.string().regex(idForm),
  /** Version of Slipway that made it. */
  app: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
}

const appliedMigration = z.object({ source: z.string(), file: z.string(), sha256 })

export const postgresManifest = z.object({
  ...common,
  kind: z.literal('postgres'),
  /** Of the dump. */
  bytes: z.int().positive(),
  sha256,
  /** Version of the server. */
  server: z.string(),
  /** By schema: the migrations that had made it. */
  schemas: z.record(z.string(), z.array(appliedMigration)),
})

export const objectsManifest = z.object({
  ...common,
  kind: z.literal('objects'),
  /** Readable buckets without the installation's prefix, in the order of the index. */
  buckets: z.array(z.string()),
  objects: z.int().nonnegative(),
  /** Of all objects together. */
  bytes: z.int().nonnegative(),
  /** Of the index: one line for each object. */
  index: z.object({ bytes: z.int().positive(), sha256 }),
  /** Objects whose bytes were not those that the scan gate had let in: they are kept as they were found. */
  damaged: z.int().nonnegative(),
})

export type PostgresManifest = z.infer<typeof postgresManifest>
export type ObjectsManifest = z.infer<typeof objectsManifest>
export type Manifest = PostgresManifest | ObjectsManifest

export const anyManifest = z.discriminatedUnion('kind', [postgresManifest, objectsManifest])

/** One object of an index. */
export interface IndexLine {
  readonly bucket: string
  readonly key: string
  readonly size: number
  /** At its source, when it was copied: as long as it is the same there, it need not be read again. */
  readonly etag: string
  readonly sha256: string
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
}

export function backupId(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
}

export function isBackupId(text: string): boolean {
  return idForm.test(text)
}

/** Milliseconds since the epoch. */
export function timeOf(id: string): number {
  return Date.parse(id.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

/** Where things lie in the vault. */
export const keyOf = {
  folder: (kind: BackupKind, id: string) => `${kind}/${id}/`,
  manifest: (kind: BackupKind, id: string) => `${kind}/${id}/manifest.json`,
  dump: (id: string) => `postgres/${id}/dump`,
  index: (id: string) => `objects/${id}/index.ndjson.gz`,
  content: (sha256: string) => `content/${sha256}`,
}
