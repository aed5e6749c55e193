import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { missingSecrets } from '../../cli/cluster/secret-values.ts'
import { services } from '../../cli/services.ts'
import { ofKind, podsOf, render } from './chart.fixtures.ts'

/** The page whose commands the cluster's script runs: here only whether they can mean what they say. */
const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
const page = read('docs/operate/rotate-secrets.md')
const script = read('e2e/cluster-rotation.sh')
const blocks = new Map([...page.matchAll(/^```sh (\w+)\n(.*?)^```$/gms)].map(([, name = '', commands = '']) => [name, commands]))
const made = Object.keys(
  missingSecrets(
    {},
    services.map(({ name }) => name),
  ),
)

test('the script rotates what the page tells of, and nothing else', () => {
  const rotated = [...script.matchAll(/^ {4}(\w+)\)$/gm)].map((match) => match[1])
  expect(rotated.length).toBeGreaterThan(3)
  expect(new Set(rotated)).toEqual(new Set([...blocks.keys()].filter((name) => name !== 'setup')))
})

describe.each([...blocks])('%s', (_, commands) => {
  test('is a script', () => {
    expect(spawnSync('bash', ['-n'], { input: commands, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  test('names keys that the Job makes', () => {
    const named = [...commands.matchAll(/\b[A-Z][A-Z0-9]*_[A-Z_]+\b/g)].map((match) => match[0])
    for (const name of named) expect(made).toContain(name)
  })

  test('patches with JSON', () => {
    for (const [, patch = ''] of commands.matchAll(/--patch '([^']+)'/g)) {
      const operations = JSON.parse(patch) as { op: string; path: string }[]
      for (const { op, path } of operations) expect([op, made]).toEqual(['remove', expect.arrayContaining([path.replace('/data/', '')])])
    }
  })

  test('sets values that there are', () => {
    for (const [, value = ''] of commands.matchAll(/--set-string "([\w.]+)=/g)) expect(value).toBe('secrets.generation')
  })
})

test('every key that is made is told of', () => {
  const told = (key: string) => page.includes(key) || page.includes(key.replace(/^(IDENTITY|FILES|MENU)_/, '<SERVICE>_'))
  expect(made.filter((key) => !told(key))).toEqual([])
})

test('a new generation starts anew whoever has a secret that may be rotated, and not Postgres', () => {
  const annotations = (generation: string) =>
    Object.fromEntries(
      podsOf(render({ secrets: { generation } })).map(({ component, metadata }) => [component, JSON.stringify(metadata.annotations)]),
    )
  const [before, after] = [annotations('1'), annotations('2')]
  const restarted = Object.keys(before).filter((component) => before[component] !== after[component])
  const processes = services.flatMap(({ name }) => [`${name}-api`, `${name}-worker`])
  expect(restarted.toSorted()).toEqual([...processes, 'object-storage', 'redis'].toSorted())
})

test('the names of what the commands reach into are those of the chart', () => {
  const sets = ofKind(render({ fullnameOverride: 'e2e-slipway' }), 'StatefulSet').map(({ metadata }) => metadata.name)
  for (const [, name] of script.matchAll(/statefulset\/([\w-]+)/g)) expect(sets).toContain(name)
  expect(page).toContain(`statefulset/\${secret%-secrets}-postgresql`)
})
