import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { createScanner, type Scanner, type ScanResult, streamLimit } from '@slipway/scanner'
import { eicar } from '@slipway/stack'
import { bytesText } from '../backup/text.ts'
import { testSignatureWarning } from '../stack/summary.ts'
import { type Check, fault, type Outcome, well } from './checks.ts'
import type { Subject } from './facts.ts'

/** clamd: that it finds something, knows what is new, and looks at all that may be uploaded. */
export function scannerChecks(subject: Subject): Check[] {
  const part = 'clamd'
  const next: Check[] = [
    { name: 'signatures', part, run: () => signatures(subject) },
    { name: 'scan', part, run: () => scan(subject) },
    { name: 'stream limit', part, run: () => streamLimits(subject) },
    { name: 'file limit', part, run: () => fileLimit(subject) },
    { name: 'limit alerts', part, run: () => alerts(subject) },
    { name: 'scan room', part, run: () => room(subject) },
  ]
  return [{ name: 'clamd', part, run: () => version(subject), next }]
}

function scannerOf({ target: { scanner }, facts: { maxFileBytes } }: Subject): Scanner {
  return createScanner({ ...scanner, connections: 1, queueSeconds: 5, idleSeconds: 10, maxFileBytes })
}

async function version(subject: Subject): Promise<Outcome> {
  await using scanner = scannerOf(subject)
  const { engine, database } = await scanner.version()
  return well(`${engine}, database ${database || 'without a date'}`)
}

const day = 86_400_000
const stale = 3 * day
const tooOld = 7 * day

async function signatures(subject: Subject): Promise<Outcome> {
  await using scanner = scannerOf(subject)
  const { builtAt, number } = await scanner.version()
  const { allowTestSignatures } = subject.facts
  if (number === undefined) return fault('clamd.signatures', testSignatureWarning, allowTestSignatures ? { level: 'warn' } : {})
  if (builtAt === undefined) return well('their date is not known')
  const age = Date.now() - builtAt.getTime()
  const what = `${Math.floor(age / day)} days old (${builtAt.toISOString().slice(0, 10)})`
  return age < stale ? well(what) : fault('clamd.stale', what, age < tooOld ? {} : { level: 'fail' })
}

/** A scanner that answers and finds nothing would be worse than none. */
async function scan(subject: Subject): Promise<Outcome> {
  await using scanner = scannerOf(subject)
  const result = await scanner.scan(Readable.from([eicar()]))
  return diskFault(result) ?? (found(result) ? well('the EICAR test file is found') : fault('clamd.blind', `clamd says ${result.raw}`))
}

function found({ verdict }: ScanResult): boolean {
  return verdict === 'infected'
}

function diskFault({ verdict, raw }: ScanResult): Outcome | null {
  return verdict === 'error' && /temporary file|no space|write/i.test(raw) ? fault('clamd.disk', `clamd says ${raw}`) : null
}

async function streamLimits({ target, facts }: Subject): Promise<Outcome> {
  const most = await streamLimit(target.scanner)
  const tooLarge = facts.uploads.filter(({ bytes }) => bytes > most)
  const what = `StreamMaxLength is ${bytesText(most)}`
  if (tooLarge.length > 0) {
    return fault('clamd.stream-limit', `${what}, ${tooLarge.map(({ variable, bytes }) => `${variable} is ${bytesText(bytes)}`).join(', ')}`)
  }
  if (most > facts.maxFileBytes) return fault('clamd.file-limit', `${what}, CLAMAV_MAX_FILE_BYTES is ${bytesText(facts.maxFileBytes)}`)
  return well(`${what}, enough for every upload`)
}

const mebibyte = 1_048_576
/** Just above what clamd has when nobody says otherwise: more would cost it more than a look is worth. */
const probedBytes = 101 * mebibyte

/** A file as large as it may be, with the test virus at its beginning: found, unless clamd does not look at files of that size. */
async function fileLimit(subject: Subject): Promise<Outcome> {
  const { maxFileBytes, uploads } = subject.facts
  const largest = uploads.length === 0 ? maxFileBytes : Math.max(...uploads.map((upload) => upload.bytes))
  const bytes = Math.min(probedBytes, maxFileBytes, largest)
  await using scanner = scannerOf(subject)
  if (!found(await scanner.scan(padded(mebibyte)))) return well('cannot be told: these signatures do not find EICAR in a longer file')
  const result = await scanner.scan(padded(bytes))
  if (found(result)) return well(`a file of ${bytesText(bytes)} is looked at`)
  // What is too long for a stream is told by another check.
  if (result.reason === 'size') return well(`more than a stream takes: ${bytesText(bytes)}`)
  return diskFault(result) ?? fault('clamd.file-limit', `a file of ${bytesText(bytes)} is not looked at: clamd says ${result.raw}`)
}

function padded(bytes: number): Readable {
  const zeros = Buffer.alloc(mebibyte)
  return Readable.from(
    (function* () {
      const virus = eicar()
      yield virus
      for (let left = bytes - virus.length; left > 0; left -= mebibyte) yield zeros.subarray(0, Math.min(left, mebibyte))
    })(),
  )
}

/** Deeper than MaxRecursion of clamd may sensibly be; each layer has some 20 bytes. */
const layers = 200

async function alerts(subject: Subject): Promise<Outcome> {
  let nested: Buffer = Buffer.from('slipway')
  for (let layer = 0; layer < layers; layer++) nested = gzipSync(nested)
  await using scanner = scannerOf(subject)
  const result = await scanner.scan(Readable.from([nested]))
  const what = `for an archive of ${layers} layers clamd says ${result.raw}`
  return diskFault(result) ?? (result.verdict === 'clean' ? fault('clamd.alerts', what) : well('clamd tells what it has not looked at'))
}

/**
 * clamd before 1.5 wants to have room in MaxScanSize for all that follows a place that looks like the head of an archive, beside the file itself.
 * Four of the patterns that it goes by have four bytes.
 */
async function room(subject: Subject): Promise<Outcome> {
  const { uploads, maxFileBytes } = subject.facts
  const most = Math.ceil(maxFileBytes / 2)
  const tooLarge = uploads.filter(({ bytes }) => bytes > most)
  await using scanner = scannerOf(subject)
  const { engine } = await scanner.version()
  if (tooLarge.length === 0) return well(`no upload is above half of what clamd scans: ${bytesText(most)}`)
  if (!needsRoom(engine)) return well(`${engine}, whose release notes say that it looks at heads of archives before it counts what follows`)
  return fault(
    'clamd.room',
    tooLarge.map(({ variable, bytes }) => `${variable} is ${bytesText(bytes)}, above ${bytesText(most)}`).join(', '),
  )
}

function needsRoom(engine: string): boolean {
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(engine)?.map(Number) ?? []
  return major < 1 || (major === 1 && minor < 5)
}
