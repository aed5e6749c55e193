import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Writes `results/<name>.json` with the machine it was measured on, and prints the same. */
export function publish(name: string, result: object): void {
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', node: process.version }
  const folder = new URL('results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const text = `${JSON.stringify({ at: new Date().toISOString(), machine, ...result }, null, 2)}\n`
  writeFileSync(new URL(`${name}.json`, folder), text)
  process.stdout.write(text)
}

/** The value below which this share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.min(Math.ceil(share * sorted.length), sorted.length) - 1]
  if (value === undefined) throw new RangeError('no values')
  return Math.round(value * 10) / 10
}
