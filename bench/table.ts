import type { Measured } from './rounds.ts'

export const begin = '<!-- bench: begin -->'
export const end = '<!-- bench: end -->'

/** Of `latest.json`: the last run of each line, in the order of the rows. */
export type Lines = Readonly<Record<string, Measured>>

const heading = ['measure', 'goal', 'median', 'range', 'outcome', 'work per CPU second', 'control']

/** The table in Markdown. */
export function tableOf(lines: Lines): string {
  const rows = [heading, heading.map(() => '---'), ...Object.values(lines).map(cellsOf)]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function cellsOf(line: Measured): string[] {
  const { what, goal, better, median, least, most, outcome, processorRatio, control } = line
  const isFigure = line.rounds.every(({ theirs }) => theirs === null)
  const unit = isFigure ? ` ${line.unit}` : ''
  const as = isFigure ? whole : ratio
  return [
    what,
    `${better} ${isFigure ? goal : ratio(goal)}${unit}`,
    `${as(median)}${unit}`,
    `${as(least)} – ${as(most)}${unit}`,
    outcome,
    processorRatio === null ? '–' : ratio(processorRatio),
    `${control.kind === 'identical' ? 'the same on both sides' : control.what}: ${as(control.median)}${unit}, ${control.caught ? 'caught' : 'NOT CAUGHT'}`,
  ]
}

function ratio(value: number): string {
  return value.toFixed(2)
}

function whole(value: number): string {
  return value.toFixed(0)
}

/** @throws when the text has no markers */
export function withTable(text: string, table: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`there is no ${begin} with ${end} behind it`)
  return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`
}
