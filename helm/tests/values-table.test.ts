import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chart, defaults } from './chart.fixtures.ts'
import { readmeWithTable, valuesTable } from './values-table.ts'

test('the README has the table of these values: run `node helm/tests/values-table.ts` and commit when this fails', () => {
  expect(readFileSync(`${chart}/README.md`, 'utf8')).toBe(readmeWithTable())
})

test('every value is in the table, with its default', () => {
  const table = valuesTable()
  const { services, ...rest } = defaults()
  const paths = (node: unknown, path: string): string[] =>
    typeof node === 'object' && node !== null && !Array.isArray(node) && Object.keys(node).length > 0
      ? Object.entries(node).flatMap(([key, value]) => paths(value, path === '' ? key : `${path}.${key}`))
      : [path]
  const missing = paths(rest, '').filter((path) => !mentioned(table, path))
  expect(missing).toEqual([])
  for (const path of paths(services.identity, 'services.<name>').filter((path) => !path.includes('.env.')))
    expect(mentioned(table, path), path).toBe(true)
})

/** A value in flow style stands whole in the row of its map. */
function mentioned(table: string, path: string): boolean {
  const parts = path.split('.')
  return parts.some((_, index) => table.includes(`| \`${parts.slice(0, index + 1).join('.')}\` |`))
}
