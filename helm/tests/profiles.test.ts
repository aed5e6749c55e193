import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { chart, ofKind, podsOf, render } from './chart.fixtures.ts'

const profiles = readdirSync(`${chart}/profiles`).map((file) => file.replace(/\.yaml$/, ''))
const rendered = (name: string) => render({ ...parse(readFileSync(`${chart}/profiles/${name}.yaml`, 'utf8')) })

function variablesOf(objects: ReturnType<typeof render>, of: string): (readonly [string, string | undefined])[] {
  const [pod] = podsOf(objects).filter(({ component }) => component === of)
  return (pod?.main.env ?? []).map(({ name, value }) => [name, value] as const)
}

test('there is one for each kind of installation', () => {
  const named = ['dev', 'file-storage', 'managed-aws', 'managed-azure', 'managed-gcp', 'production', 'restaurant-3d', 'small']
  expect(profiles).toEqual(expect.arrayContaining(named))
})

describe.each(profiles)('%s', (name) => {
  const objects = rendered(name)

  test('renders, with all processes that it wants', () => {
    const components = podsOf(objects).map(({ component }) => component)
    expect(components).toEqual(expect.arrayContaining(['identity-api', 'identity-worker', 'files-api', 'files-worker', 'migrate']))
    expect(components.includes('menu-api')).toBe(name !== 'file-storage')
  })

  test('commands know of just the services that it has, and get the passwords of their roles', () => {
    const { SLIPWAY_SERVICES = '' } = Object.fromEntries(variablesOf(objects, 'files-api'))
    for (const command of ['migrate', 'doctor']) {
      const variables = new Map(variablesOf(objects, command))
      expect(variables.get('SLIPWAY_SERVICES'), command).toBe(SLIPWAY_SERVICES)
      const having = [...variables.keys()].filter((key) => key.endsWith('_DB_SYSTEM_PASSWORD'))
      const wanted = SLIPWAY_SERVICES.split(',').map((service) => `${service.toUpperCase()}_DB_SYSTEM_PASSWORD`)
      expect(having.toSorted(), command).toEqual(variables.has('DATABASE_AUTH') ? [] : wanted.toSorted())
    }
  })

  test('says of every pod how much it may take, and not less than it asks for', () => {
    const amount = (text: string | undefined) => {
      const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(text ?? '') ?? []
      return Number(number) * (unit === 'Gi' ? 1024 : 1)
    }
    for (const { component, containers } of podsOf(objects))
      for (const { name: container, resources } of containers) {
        const { requests, limits } = resources as { requests: { memory: string }; limits: { memory: string } }
        expect(amount(limits.memory), `${component} ${container}`).toBeGreaterThanOrEqual(amount(requests.memory))
      }
  })
})

test('managed ones bring no store of those along', () => {
  const sets = (name: string) => ofKind(rendered(name), 'StatefulSet').map(({ metadata }) => metadata.name.replace('shop-slipway-', ''))
  expect(sets('managed-aws')).toEqual(['clamav'])
  expect(sets('managed-gcp')).toEqual(['clamav'])
  expect(sets('managed-azure').toSorted()).toEqual(['clamav', 'object-storage'])
})

test('AWS gives no keys to anybody', () => {
  const variables = podsOf(rendered('managed-aws')).flatMap(({ containers }) =>
    containers.flatMap(({ env = [] }) => env.map(({ name }) => name)),
  )
  expect(variables).toContain('DATABASE_URL')
  expect(variables.filter((name) => /^S3_.*_KEY$|^DATABASE_.*PASSWORD$|_DB_/.test(name))).toEqual([])
})

test('production keeps a number of replicas to its autoscalers', () => {
  const scaled = ofKind(rendered('production'), 'HorizontalPodAutoscaler').map(({ spec }) => spec.scaleTargetRef.name)
  expect(scaled).toContain('shop-slipway-files-api')
  for (const { metadata, spec } of ofKind(rendered('production'), 'Deployment'))
    expect(spec.replicas === undefined, metadata.name).toBe(scaled.includes(metadata.name))
})
