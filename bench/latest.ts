import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Measured } from './rounds.ts'
import { type Lines, tableOf, withTable } from './table.ts'
import type { Versions } from './versions.ts'

const results = new URL('results/latest.json', import.meta.url)
const page = new URL('../docs/performance.md', import.meta.url)

export interface Latest {
  readonly machine: { readonly cores: number; readonly cpu: string }
  readonly versions: Versions
  readonly lines: Lines
}

export function readLatest(): Latest | null {
  try {
    return JSON.parse(readFileSync(results, 'utf8')) as Latest
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Lines that were not measured this time stay as they were. They come in the order of `names`; of others, nothing is kept. */
export function mergeLines(before: Lines, now: Lines, names: readonly string[]): Lines {
  const all = { ...before, ...now }
  return Object.fromEntries(names.flatMap((name) => (all[name] ? [[name, all[name]] as const] : [])))
}

/** Writes `results/latest.json`, and its table into the page about performance. */
export function keep(lines: Record<string, Measured>, names: readonly string[], versions: Versions): Latest {
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown' }
  const latest = { machine, versions, lines: mergeLines(readLatest()?.lines ?? {}, lines, names) }
  writeFileSync(results, `${JSON.stringify(latest, null, 2)}\n`)
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), tableOf(latest.lines)))
  return latest
}
