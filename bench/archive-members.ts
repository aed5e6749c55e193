import { mkdtemp, readFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { archiveLimits, createScanner, scanAhead } from '@slipway/scanner'
import { removeHome, startClamd } from '@slipway/stack'
import { mixedZip } from './archives.fixtures.ts'
import { publish, quantile } from './results.ts'
import { syntheticSignatures } from './signatures.ts'

/**
 * Time from the last byte of a zip to its verdict, with its members scanned ahead and by one scan of the whole alone, in turn, on a clamd
 * with as many signatures as the official database has; with the seconds of the processor that clamd takes. Uploads come at some MiB a
 * second. `node bench/archive-members.ts [rounds]`
 */
const [rounds = 5] = process.argv.slice(2).map(Number)
const mebibyte = 1_048_576
const chunkBytes = 65_536
const maxFileBytes = 1024 * mebibyte

interface Case {
  readonly members: number
  /** Of upload; infinite for what is all there. */
  readonly mebibytesPerSecond: number
  /** The control: members of another archive go ahead, which must not help. */
  readonly isOther?: boolean
}

const cases: Record<string, Case> = {
  'upload of 2 MiB/s': { members: 240, mebibytesPerSecond: 2 },
  'upload of 4 MiB/s': { members: 240, mebibytesPerSecond: 4 },
  'upload of 8 MiB/s': { members: 240, mebibytesPerSecond: 8 },
  'all at once': { members: 240, mebibytesPerSecond: Number.POSITIVE_INFINITY },
  'few members, upload of 2 MiB/s': { members: 8, mebibytesPerSecond: 2 },
  'control: others ahead': { members: 240, mebibytesPerSecond: 4, isOther: true },
}

const home = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
const database = await syntheticSignatures(join(tmpdir(), 'slipway-bench'))
await using clamd = await startClamd({ home, database, maxFileBytes })
await using scanner = createScanner({
  host: clamd.host,
  port: clamd.port,
  connections: 12,
  queueSeconds: 60,
  idleSeconds: 60,
  maxFileBytes,
})
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

async function* upload(content: Buffer, mebibytesPerSecond: number): AsyncGenerator<Buffer> {
  const began = performance.now()
  for (let at = 0; at < content.length; at += chunkBytes) {
    const due = (at / mebibyte / mebibytesPerSecond) * 1000
    const early = began + due - performance.now()
    if (early > 1) await delay(early)
    yield content.subarray(at, at + chunkBytes)
  }
}

async function measure({ members, mebibytesPerSecond, isOther = false }: Case, isAhead: boolean): Promise<Measured> {
  const content = mixedZip(members)
  const ahead = scanAhead({ scanner, limits: archiveLimits(maxFileBytes), signal })
  const other = isOther ? mixedZip(members) : content
  const before = await clamdSeconds()
  const scan = await scanner.open()
  let at = 0
  for await (const chunk of upload(content, mebibytesPerSecond)) {
    if (isAhead) ahead.add(other.subarray(at, at + chunk.length))
    at += chunk.length
    await new Promise((resolve) => scan.write(chunk, resolve))
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

const round = (percent: number) => Math.round(percent * 10) / 10
const middle = (values: readonly Measured[], key: keyof Measured) =>
  quantile(
    values.map((value) => value[key]),
    0.5,
  )

try {
  await measure({ members: 20, mebibytesPerSecond: 100 }, true)
  const results: Record<string, object> = {}
  for (const [name, what] of Object.entries(cases)) {
    const [whole, ahead, ratios]: [Measured[], Measured[], number[]] = [[], [], []]
    for (let round = 0; round < rounds; round++) {
      // Nobody is always first.
      const first = round % 2 === 0 ? await measure(what, true) : null
      const one = await measure(what, false)
      const other = first ?? (await measure(what, true))
      whole.push(one)
      ahead.push(other)
      ratios.push((100 * one.milliseconds) / other.milliseconds)
    }
    const line = {
      percentOfSpeed: { median: quantile(ratios, 0.5), least: round(Math.min(...ratios)), most: round(Math.max(...ratios)) },
      milliseconds: { whole: middle(whole, 'milliseconds'), ahead: middle(ahead, 'milliseconds') },
      processorSeconds: { whole: middle(whole, 'processorSeconds'), ahead: middle(ahead, 'processorSeconds') },
      processorSecondsBehindLastByte: { whole: middle(whole, 'lateSeconds'), ahead: middle(ahead, 'lateSeconds') },
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
