/**
 * The four verdicts. Only `clean` is ever readable:
 * - `infected`: a signature matched
 * - `unscannable`: clamd or the archive inspection could not look at everything; scanning again changes nothing
 * - `error`: no answer that can be believed; scanning again may help
 */
export type Verdict = 'clean' | 'infected' | 'unscannable' | 'error'

/** Why there is no full look: over clamd's limits, encrypted, over the time, longer than its stream limit, or a member it skipped. */
export type Reason = 'limits' | 'encrypted' | 'timeout' | 'size' | 'archive-member'

export interface Judgement {
  verdict: Verdict
  /** The name that clamd gave: of the malware, or of the heuristic that made the content unscannable. */
  signature?: string
  reason?: Reason
  /** For people: what exactly could not be looked at. */
  detail?: string
}

export interface ScanResult extends Judgement {
  /** What clamd said, without its terminator; empty when it said nothing. */
  raw: string
  /** `ClamAV 1.4.6` */
  engine: string
  /** `27791/Thu Oct 16 09:44:12 2025` as clamd writes it; empty when no official database is loaded. */
  database: string
  /** From the last byte to the verdict. */
  milliseconds: number
}

/**
 * What a reply to INSTREAM means. A limit that clamd reports as a finding (`AlertExceedsMax`, `AlertEncrypted`) is no malware, and a
 * reply that is not known is an error and not clean.
 */
export function judge(raw: string): Judgement {
  if (raw === 'stream: OK') return { verdict: 'clean' }
  const found = /^stream: (.+) FOUND$/.exec(raw)
  if (found?.[1]) return judgeFinding(found[1])
  if (/^INSTREAM size limit exceeded\. ERROR$/.test(raw)) return { verdict: 'unscannable', reason: 'size' }
  if (/^stream: .*(time limit|timed? ?out).* ERROR$/i.test(raw)) return { verdict: 'unscannable', reason: 'timeout' }
  return { verdict: 'error' }
}

function judgeFinding(signature: string): Judgement {
  if (signature.startsWith('Heuristics.Limits.Exceeded.MaxScanTime')) return { verdict: 'unscannable', reason: 'timeout', signature }
  if (signature.startsWith('Heuristics.Limits.Exceeded')) return { verdict: 'unscannable', reason: 'limits', signature }
  if (signature.startsWith('Heuristics.Encrypted.')) return { verdict: 'unscannable', reason: 'encrypted', signature }
  return { verdict: 'infected', signature }
}
