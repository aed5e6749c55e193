import type { Transaction } from '@slipway/db'
import { type Problem, problem } from '@slipway/problem'
import type { ScanResult } from '@slipway/scanner'
import { type EarlierVerdict, quarantine, type UploadOrigin } from '../schema.ts'
import { type Author, audit } from './author.ts'

/** What is kept of a refused file. The bytes stay in the quarantine bucket under `objectKey` until the record is purged. */
export interface Refusal {
  id: string
  /** Which object of the readable bucket it was, where that is not the one of `id`. */
  contentId?: string | null
  name: string
  folderId: string | null
  size: number
  contentType: string
  sha256: string
  objectKey: string
  /** Who brought it; the author of the refusal is the platform when a worker settles it. */
  uploadedBy: string
  /** Where it came from, as far as that is known. */
  uploadedFrom: UploadOrigin
  at: Date
  /** For content that had been clean: the bytes are still in the readable bucket, and `file-isolation` moves them. */
  rescan?: { earlier: EarlierVerdict; reads: number; readAt: Date | null }
  result: Omit<ScanResult, 'verdict' | 'reason'> & { verdict: 'infected' | 'unscannable'; reason?: string }
}

export async function recordRefusal(tx: Transaction, author: Author, refusal: Refusal): Promise<void> {
  const { result, at, rescan, ...file } = refusal
  const { verdict, signature, reason, raw, engine, database, milliseconds } = result
  await tx.insert(quarantine).values({
    ...file,
    verdict,
    signature,
    reason,
    raw,
    engine,
    database,
    milliseconds: Math.round(milliseconds),
    createdAt: at,
    ...(rescan ? { ...rescan, foundBy: 'rescan' as const } : { isolatedAt: at }),
  })
  await audit(tx, author, {
    action: rescan ? 'file.withdrawn' : 'file.refused',
    subject: { type: 'quarantine', id: refusal.id },
    ...(rescan ? { before: { verdict: 'clean', ...rescan.earlier, reads: rescan.reads } } : {}),
    after: { name: refusal.name, sha256: refusal.sha256, verdict, signature, reason, uploadedBy: refusal.uploadedBy },
  })
}

/** What the client is told. The raw reply is for admins, in the quarantine. */
export function refusalProblem(id: string, { verdict, signature, reason }: Refusal['result']): Problem {
  if (verdict === 'infected') {
    return problem('file.infected', { detail: `the scanner found ${signature ?? 'malware'}`, signature, quarantineId: id })
  }
  return problem('file.unscannable', {
    detail: explanations[reason ?? ''] ?? 'the scanner could not look at all of it',
    reason,
    quarantineId: id,
  })
}

const explanations: Record<string, string> = {
  limits: 'the content is over the limits of the scanner, packed or unpacked: send it in smaller pieces',
  encrypted: 'the content is encrypted: send it without a password',
  timeout: 'the scan took longer than the scanner may take: send it in smaller pieces',
  size: 'the file is larger than what the scanner takes: send it in smaller pieces',
  'archive-member': 'a member of the archive is too large, encrypted or damaged: unpack it and send the members',
}
