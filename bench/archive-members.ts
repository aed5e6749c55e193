import { mkdtemp, readFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { syntheticSignatures } from '@slipway/cli/signatures'
import { archiveLimits, createScanner, scanAhead } from '@slipway/scanner'
import { removeHome, startClamd } from '@slipway/stack'
import { mixedZip } from './archives.fixtures.ts'
import { publish, quantile } from './results.ts'

/**
 * From the last byte of a zip to its verdict, with its members scanned ahead and by one scan of the whole alone, in turn, on a clamd with as
 * many signatures as the official database has: time, and the seconds of the processor that clamd takes, which a busy machine changes
 * less. `node bench/archive-members.ts [rounds]`
 */
const [rounds = 5] = process.argv.slice(2).map(Number)
const mebibyte = 1_048_576
const chunkBytes = 65_536
const maxFileBytes = 1024 * mebibyte

interface Case {
  readonly members: number
  /** The upload is slower than the scan of what goes ahead; otherwise all of it is there at once. */
  readonly isSlow: boolean
  /** The control: members of another archive go ahead, which must not help. */
  readonly isOther?: boolean
}

const cases: Record<string, Case> = {
  slowUpload: { members: 240, isSlow: true },
  allAtOnce: { members: 240, isSlow: false },
  fewMembers: { members: 8, isSlow: true },
  othersAhead: { members: 240, isSlow: true, isOther: true },
}

const home = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
const database = await syntheticSignatures()
await using clamd = await startClamd({ home, database, maxFileBytes })
const limits = { connections: 12, queueSeconds: 60, idleSeconds: 60, maxFileBytes }
/** Its clock stands still: members go ahead also when the machine has other work, and clamd is slow. */
await using scanner = createScanner({ host: clamd.host, port: clamd.port, ...limits, now: () => 0 })
const signal = new AbortController().signal

interface Measured {
  milliseconds: number
  processorSeconds: number
  /** Of these, behind the last byte. */
  lateSeconds: number
  membersAhead: number
}

/** User and system seconds of clamd so far: proc(5). */
async function clamdSeconds(): Promise<number> {
  const fields = (await readFile(`/proc/${clamd.pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function measure({ members, isSlow, isOther = false }: Case, isAhead: boolean): Promise<Measured> {
  const content = mixedZip(members)
  const ahead = scanAhead({ scanner, limits: archiveLimits(maxFileBytes), signal })
  const other = isOther ? mixedZip(members) : content
  const before = await clamdSeconds()
  const scan = await scanner.open()
  for (let at = 0; at < content.length; at += chunkBytes) {
    if (isAhead) ahead.add(other.subarray(at, at + chunkBytes))
    if (isSlow) await ahead.settled()
    await new Promise((resolve) => scan.write(content.subarray(at, at + chunkBytes), resolve))
  }
  const last = performance.now()
  const late = await clamdSeconds()
  scan.end()
  void ahead.finish()
  const { verdict, raw } = await scan.result()
  const milliseconds = performance.now() - last
  if (verdict !== 'clean') throw new Error(raw)
  const lateSeconds = (await clamdSeconds()) - late
  await ahead.settled()
  ahead.stop()
  return { milliseconds, lateSeconds, processorSeconds: (await clamdSeconds()) - before, membersAhead: ahead.members }
}

/** Of the whole alone to that with members ahead, round by round. */
function ratiosOf(whole: readonly Measured[], ahead: readonly Measured[], key: keyof Measured) {
  const ratios = whole.map((one, index) => (100 * one[key]) / (ahead[index]?.[key] ?? Number.NaN))
  return { median: quantile(ratios, 0.5), least: Math.round(Math.min(...ratios)), most: Math.round(Math.max(...ratios)) }
}

const middle = (values: readonly Measured[], key: keyof Measured) =>
  quantile(
    values.map((value) => value[key]),
    0.5,
  )

try {
  await measure({ members: 20, isSlow: true }, true)
  const results: Record<string, object> = {}
  for (const [name, what] of Object.entries(cases)) {
    const [whole, ahead]: [Measured[], Measured[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      // Nobody is always first.
      const first = round % 2 === 0 ? await measure(what, true) : null
      const one = await measure(what, false)
      const other = first ?? (await measure(what, true))
      whole.push(one)
      ahead.push(other)
    }
    const line = {
      percentOfSpeed: ratiosOf(whole, ahead, 'milliseconds'),
      percentOfWork: ratiosOf(whole, ahead, 'lateSeconds'),
      milliseconds: { whole: middle(whole, 'milliseconds'), ahead: middle(ahead, 'milliseconds') },
      processorSeconds: { whole: middle(whole, 'processorSeconds'), ahead: middle(ahead, 'processorSeconds') },
      processorSecondsAfterLastByte: { whole: middle(whole, 'lateSeconds'), ahead: middle(ahead, 'lateSeconds') },
      membersAhead: middle(ahead, 'membersAhead'),
    }
    results[name] = line
    process.stderr.write(`${name}: ${JSON.stringify(line)}\n`)
  }
  publish('archive-members', { rounds, loadAverage: loadavg()[0], mebibytes: Math.round(mixedZip(240).length / mebibyte), ...results })
} finally {
  await clamd.stop()
  await removeHome(home)
}
