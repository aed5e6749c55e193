import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { podsOf, render, renderText } from './chart.fixtures.ts'
import { alertFiles, runbookIndex, runbooks } from './runbooks.ts'

const objects = render({ backup: { enabled: true }, edge: { tls: { issuer: 'letsencrypt' } } })
const components = new Set(podsOf(objects).map(({ component }) => component))
/** Pods of StatefulSets are called like them, with a number. */
const names = new Set(objects.flatMap(({ kind, metadata: { name } }) => [name, ...(kind === 'StatefulSet' ? [`${name}-0`] : [])]))

test('the list is that of the alerts: run `node helm/tests/runbooks.ts` and commit when this fails', () => {
  expect(readFileSync(join(runbooks, 'README.md'), 'utf8')).toBe(runbookIndex())
})

test('no runbook is without its alert', () => {
  const alerts = alertFiles().map(({ alert }) => `${alert}.md`)
  expect(readdirSync(runbooks).filter((file) => file !== 'README.md')).toEqual(alerts.toSorted())
})

/** The commands of Kubernetes and Helm that the pages use; whoever needs another adds it, having tried it. */
const verbs =
  /^(kubectl( -n "\$namespace")? (get|describe|logs|exec|delete pod|delete job|top pods|rollout restart deployment|create job)|helm (upgrade|rollback|history|test)|curl) /

/** The shell lines of a page, whether in blocks or in the text. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.split('\n'))
  const inline = [...text.replaceAll(/```.*?```/gs, '').matchAll(/`((?:kubectl|helm|curl) [^`]+)`/g)].map(([, command = '']) => command)
  return [...blocks, ...inline].map((command) => command.trim()).filter((command) => command !== '')
}

describe.each(alertFiles().map(({ alert }) => alert))('%s', (alert) => {
  const text = readFileSync(join(runbooks, `${alert}.md`), 'utf8')
  const commands = commandsOf(text)

  test('says what it means, where to look, what to do, and how to undo that', () => {
    expect([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading)).toEqual([alert, 'Look here', 'Do this', 'Undo that'])
    for (const part of text.split(/^#+ .*$/m).slice(1)) expect(part.trim().length).toBeGreaterThan(10)
  })

  test('its commands are commands, about objects that the chart makes', () => {
    for (const command of commands) {
      expect(command).toMatch(verbs)
      for (const [, component] of command.matchAll(/component=([a-z-]+)/g)) expect(components).toContain(component)
      for (const [, name] of command.matchAll(/\$name-([a-z0-9-]+)/g)) expect(names).toContain(`shop-slipway-${name}`)
    }
  })

  test('its links lead somewhere', () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)/g)) expect(existsSync(join(runbooks, target)), target).toBe(true)
  })
})

/** Each with the values that it changes, as Helm reads them; what people fill in is replaced by a word. */
const upgrades = new Map(
  readdirSync(runbooks).flatMap((file) =>
    commandsOf(readFileSync(join(runbooks, file), 'utf8'))
      .filter((command) => command.startsWith('helm upgrade') && command.includes('--set'))
      .map((command) => {
        const settings = [...command.matchAll(/--set ('[^']+'|\S+)/g)].map(([, setting = '']) =>
          setting.replaceAll("'", '').replaceAll(/<\w+>/g, 'mine'),
        )
        return [settings.join(' '), { file: basename(file), settings }] as const
      }),
  ),
)

test.each([...upgrades])('the chart takes --set %s', (_, { settings }) => {
  expect(
    renderText(
      {},
      settings.flatMap((setting) => ['--set', setting]),
    ),
  ).toContain('kind: Deployment')
})
