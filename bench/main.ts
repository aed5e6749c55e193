import { parseArgs } from 'node:util'
import { keep } from './latest.ts'
import type { Row } from './measure.ts'
import { type Measured, measure } from './rounds.ts'
import { rows } from './rows.ts'
import { tableOf } from './table.ts'
import { versionsInUse } from './versions.ts'

/**
 * `npm run bench`, or `node bench/main.ts [row…] [--rounds N]`: the table of docs/performance.md. A goal that is missed is a result; a
 * control that was not caught is a failure.
 */
const options = { rounds: { type: 'string', default: '5' } } as const
const { values, positionals } = parseArgs({ allowPositionals: true, options })
const rounds = Number(values.rounds)
const chosen = chooseRows(positionals)
const versions = await versionsInUse()
const lines: Record<string, Measured> = {}
for (const row of chosen) Object.assign(lines, await measureRow(row))
console.log(`\n${tableOf(lines)}`)
keep(
  lines,
  rows.flatMap(({ lines }) => lines),
  versions,
)
const uncaught = Object.entries(lines).filter(([, { control }]) => !control.caught)
for (const [name, { control }] of uncaught) console.error(`${name}: the control was not caught (${control.what}: ${control.median})`)
process.exitCode = uncaught.length > 0 ? 1 : 0

function chooseRows(names: readonly string[]): readonly Row[] {
  const unknown = names.filter((name) => !rows.some((row) => row.name === name))
  if (unknown.length > 0) throw new Error(`no such row: ${unknown.join(', ')}; there are ${rows.map(({ name }) => name).join(', ')}`)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds is ${values.rounds}: a number from 1 is expected`)
  return names.length === 0 ? rows : rows.filter(({ name }) => names.includes(name))
}

async function measureRow(row: Row): Promise<Record<string, Measured>> {
  await using stack = new AsyncDisposableStack()
  const measured: Record<string, Measured> = {}
  for (const one of await row.open(stack)) {
    const began = performance.now()
    const line = await measure(one, rounds)
    measured[one.name] = line
    const seconds = Math.round((performance.now() - began) / 1000)
    const { median, least, most, better, goal, outcome, control } = line
    console.log(
      `${one.name}: ${median.toFixed(3)} (${least.toFixed(3)} – ${most.toFixed(3)}), goal ${better} ${goal}: ${outcome}; control ${control.median.toFixed(3)}, ${control.caught ? 'caught' : 'NOT CAUGHT'}; ${seconds} s, load ${line.load.before} – ${line.load.after}`,
    )
  }
  return measured
}
