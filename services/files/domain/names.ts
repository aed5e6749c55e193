/**
 * The one rule for names of files and folders. It is applied to every name that enters, wherever it comes from.
 *
 * Normalised: to Unicode NFC; white space at both ends and dots at the end are cut off, as Windows and most sync clients do.
 * Refused: empty names, also those of invisible characters only; `.` and `..`; `/` and `\`; control characters, NUL among them; line and paragraph separators; bidirectional
 * controls, which make `exe.gpj` look like `jpg.exe` (Unicode TR 36 §2.8); lone surrogates; the device names of Windows, with or
 * without extension; more than 255 bytes of UTF-8, the limit of ext4, XFS, APFS and S3 tools.
 * Compared: without regard to case, so that a folder can be copied to a disk that has none. What was written is kept.
 */
export type NameReading = { ok: true; name: string } | { ok: false; fault: string }

export const maxNameBytes = 255

const separators = /[/\\]/
// oxlint-disable-next-line no-control-regex -- these are the characters to refuse
const controls = /[\u0000-\u001F\u007F-\u009F\u2028\u2029]/
const bidirectional = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/
/** Zero-width spaces, joiners, fillers, variation selectors: nothing of them is seen (Unicode, Default_Ignorable_Code_Point). */
const invisible = /^[\p{Default_Ignorable_Code_Point}\s.]*$/u
const devices = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i

const refusals: readonly [applies: (name: string) => boolean, fault: string][] = [
  [(name) => separators.test(name), 'must not contain / or \\'],
  [(name) => controls.test(name), 'must not contain control characters'],
  [(name) => bidirectional.test(name), 'must not contain bidirectional controls'],
  [(name) => !name.isWellFormed(), 'must be well-formed Unicode'],
  [(name) => /^\s*\.{1,2}\s*$/.test(name), 'must not be . or ..'],
]

const refusalsOfNormalised: readonly [applies: (name: string) => boolean, fault: string][] = [
  [(name) => invisible.test(name), 'must not be empty'],
  [(name) => devices.test(name), 'is reserved by Windows'],
  [(name) => Buffer.byteLength(name) > maxNameBytes, `must not be longer than ${maxNameBytes} bytes in UTF-8`],
]

/** Applies the rule; the fault continues a sentence that starts with the name of the field. */
export function readName(raw: string): NameReading {
  const fault = firstFault(refusals, raw)
  if (fault) return { ok: false, fault }
  const name = raw
    .normalize('NFC')
    .trim()
    .replace(/[\s.]+$/, '')
  const faultOfNormalised = firstFault(refusalsOfNormalised, name)
  return faultOfNormalised ? { ok: false, fault: faultOfNormalised } : { ok: true, name }
}

/**
 * What two names are compared by. Upper case unites letters that lower case alone leaves apart (final and medial sigma); lower case before
 * it does so for the capital sharp s, whose upper case is itself. At most three times as long as the name, which keeps it below the size
 * limit of an index entry.
 */
export function nameKey(name: string): string {
  return name.toLowerCase().toUpperCase().toLowerCase().normalize('NFC')
}

/** `photo.jpg`, 2 → `photo (2).jpg`; the stem is shortened where the number would break the limit. */
export function numberedName(name: string, number: number): string {
  const { stem, extension } = splitName(name)
  const suffix = ` (${number})${extension}`
  return shortened(stem, maxNameBytes - Buffer.byteLength(suffix)).trimEnd() + suffix
}

/**
 * A name that is not taken: the name itself, else a numbered one. Asks O(log n) times for n names in a row: doubles until a number
 * is free, then halves the gap, so that the ten-thousandth `scan.pdf` costs no list of its elders.
 */
export async function freeName(name: string, isTaken: (candidate: string) => Promise<boolean>): Promise<string> {
  if (!(await isTaken(name))) return name
  let taken = 1
  let free = 2
  while (await isTaken(numberedName(name, free))) {
    taken = free
    free *= 2
  }
  while (free - taken > 1) {
    const middle = (taken + free) >> 1
    if (await isTaken(numberedName(name, middle))) taken = middle
    else free = middle
  }
  return numberedName(name, free)
}

function firstFault(rules: typeof refusals, name: string): string | undefined {
  return rules.find(([applies]) => applies(name))?.[1]
}

/** An extension longer than 16 characters is taken for a part of the stem; a leading dot begins no extension. */
function splitName(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.')
  if (dot <= 0 || name.length - dot > 17) return { stem: name, extension: '' }
  return { stem: name.slice(0, dot), extension: name.slice(dot) }
}

function shortened(text: string, maxBytes: number): string {
  let bytes = 0
  let result = ''
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    result += character
  }
  return result
}
