const megabyte = 1024 * 1024
const gigabyte = 1024 * megabyte
/** clamd resets larger numbers to 4 GiB with a warning, and MaxFileSize ends at 2 GiB (clamd.conf(5)). */
const largestScan = 4_294_967_295
const largestFile = 2_147_483_647

export interface LimitOptions {
  /** Largest file, also inside an archive, that is scanned. */
  maxFileBytes?: number
  /** Most bytes that are scanned for one file with everything inside it. */
  maxScanBytes?: number
  /** Most bytes that one INSTREAM may carry. */
  streamMaxBytes?: number
}

export interface Limits extends Required<LimitOptions> {
  readonly maxScanMilliseconds: number
}

/**
 * Limits that belong together: stream ≤ file ≤ scan, since clamd answers "OK" for bytes beyond a smaller limit. File and scan are equal
 * unless told otherwise: a member above MaxFileSize is skipped with "OK", also inside 7z or mail where nobody else can look, but when it is
 * above MaxScanSize as well, clamd says so (tried with 1.4.6). The time is what a slow machine needs for the most bytes.
 *
 * @throws {RangeError}
 */
export function clamdLimits(options: LimitOptions): Limits {
  const maxFileBytes = options.maxFileBytes ?? largestFile
  const streamMaxBytes = options.streamMaxBytes ?? Math.min(gigabyte, maxFileBytes)
  const maxScanBytes = options.maxScanBytes ?? maxFileBytes
  if (streamMaxBytes > maxFileBytes)
    throw new RangeError(`streamMaxBytes ${streamMaxBytes} is above maxFileBytes ${maxFileBytes}: lower it`)
  if (maxFileBytes > maxScanBytes) throw new RangeError(`maxFileBytes ${maxFileBytes} is above maxScanBytes ${maxScanBytes}: lower it`)
  if (maxFileBytes > largestFile) throw new RangeError(`maxFileBytes ${maxFileBytes} is above ${largestFile}, the most that clamd takes`)
  if (maxScanBytes > largestScan) throw new RangeError(`maxScanBytes ${maxScanBytes} is above ${largestScan}, the most that clamd takes`)
  const seconds = Math.max(120, Math.ceil(maxScanBytes / (4 * megabyte)))
  return { maxFileBytes, streamMaxBytes, maxScanBytes, maxScanMilliseconds: seconds * 1000 }
}
