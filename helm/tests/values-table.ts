import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml'

/**
 * The table of values in the chart's README, made from `values.yaml`: what stands after `# --` above a key is its sentence.
 * `node helm/tests/values-table.ts` writes it; a test fails when README and values differ.
 */
interface Row {
  readonly path: string
  readonly value: string
  readonly sentence: string
}

const readme = fileURLToPath(new URL('../slipway/README.md', import.meta.url))
const values = fileURLToPath(new URL('../slipway/values.yaml', import.meta.url))
const begin = '<!-- values: made by helm/tests/values-table.ts -->'
const end = '<!-- end of values -->'

function rowsOf(map: YAMLMap, path: readonly string[], above = ''): Row[] {
  return map.items.flatMap((item, index) => {
    const { key, value } = item
    if (!isScalar(key)) return []
    // The comment above the first key of a map belongs to the map.
    const comment = (index === 0 ? (map.commentBefore ?? key.commentBefore) : key.commentBefore) ?? ''
    const name = [...path, String(key.value)]
    // Services are alike: the first of them stands for all.
    if (path.join() === 'services' && index > 0) return []
    const shown = path.join() === 'services' ? [...path, '<name>'] : name
    const sentence = sentenceOf(comment) || (index === 0 ? above : '')
    if (isMap(value) && !value.flow && value.items.length > 0) return rowsOf(value, shown)
    return [{ path: shown.join('.'), value: JSON.stringify(isMap(value) || !isScalar(value) ? toPlain(value) : value.value), sentence }]
  })
}

function toPlain(node: unknown): unknown {
  return (node as { toJSON(): unknown } | null)?.toJSON() ?? null
}

function sentenceOf(comment: string): string {
  const lines = comment.split('\n').map((line) => line.trim())
  const start = lines.findLastIndex((line) => line.startsWith('--'))
  return start === -1
    ? ''
    : lines
        .slice(start)
        .join(' ')
        .replace(/^--\s*/, '')
}

export function valuesTable(): string {
  const document = parseDocument(readFileSync(values, 'utf8'))
  if (!isMap(document.contents)) throw new Error('values.yaml is no map')
  const rows = rowsOf(document.contents, []).map(
    ({ path, value, sentence }) => `| \`${path}\` | \`${value}\` | ${sentence.replaceAll('|', '\\|')} |`,
  )
  return ['| value | default | |', '| --- | --- | --- |', ...rows].join('\n')
}

export function readmeWithTable(): string {
  const text = readFileSync(readme, 'utf8')
  const [before = '', rest = ''] = text.split(begin)
  return `${before}${begin}\n\n${valuesTable()}\n\n${end}${rest.split(end)[1] ?? ''}`
}

if (import.meta.main) writeFileSync(readme, readmeWithTable())
