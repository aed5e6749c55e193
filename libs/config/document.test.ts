import { describe, expect, it } from 'vitest'
import {
  configurationPage,
  environmentExample,
  integer,
  nearestName,
  platformVariables,
  readConfig,
  secret,
  text,
  variables,
} from './index.ts'

const groups = [
  {
    title: 'Store',
    tree: {
      port: integer('STORE_PORT', { description: 'Port of the store', default: 5432, max: 65_535 }),
      key: secret('STORE_KEY', { description: 'Key of the store' }),
      extra: text('STORE_EXTRA', { description: 'A feature', optional: true }),
    },
  },
]

describe('environmentExample', () => {
  it('assigns only what is required and comments out the rest', () => {
    const lines = environmentExample(groups).split('\n')
    expect(lines).toContain('STORE_KEY=')
    expect(lines).toContain('# STORE_PORT=5432')
    expect(lines).toContain('# STORE_EXTRA=')
    expect(lines).toContain('# A feature (text; optional)')
  })
})

describe('what is documented', () => {
  it('can be read again: the example with its blanks filled in is a valid environment', () => {
    const lines = environmentExample(groups).split('\n')
    const assigned = lines.filter((line) => /^[A-Z0-9_]+=/.test(line)).map((line) => line.split('=') as [string, string])
    const environment = Object.fromEntries(assigned.map(([name, value]) => [name, value || 'x']))
    expect(Object.keys(environment)).toEqual(['STORE_KEY'])
    const [group] = groups
    expect(group && readConfig(group.tree, environment)).toMatchObject({ port: 5432, extra: null })
  })

  it('names each variable once, in the order of declaration, in both documents', () => {
    const names = (document: string) => [...document.matchAll(/STORE_[A-Z]+/g)].map(([name]) => name)
    expect(names(environmentExample(groups))).toEqual(['STORE_PORT', 'STORE_KEY', 'STORE_EXTRA'])
    expect(names(configurationPage(groups))).toEqual(['STORE_PORT', 'STORE_KEY', 'STORE_EXTRA'])
  })
})

describe('nearestName', () => {
  const known = ['SLIPWAY_PUBLIC_URL', 'SLIPWAY_BASE_DOMAIN', 'SLIPWAY_ENV']
  it.each([
    ['SLIPWAY_PUBLICURL', 'SLIPWAY_PUBLIC_URL'],
    ['SLIPWAY_BASEDOMAIN', 'SLIPWAY_BASE_DOMAIN'],
    ['SLIPWAY_ENVIRON', 'SLIPWAY_ENV'],
    ['SLIPWAY_env', 'SLIPWAY_ENV'],
    ['ENTIRELY_OTHER_NAME', undefined],
  ])('%s → %s', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest)
  })

  it('has nothing to suggest where nothing is known', () => {
    expect(nearestName('SLIPWAY_ENV', [])).toBeUndefined()
  })
})

describe('configurationPage', () => {
  it('has a row per variable with what happens when it is absent', () => {
    const page = configurationPage(groups)
    expect(page).toContain('| `STORE_PORT` | `5432` | whole number from 0 to 65535 | Port of the store |')
    expect(page).toContain('| `STORE_KEY` | **required** | secret | Key of the store |')
    expect(page).toContain('| `STORE_EXTRA` | off | text | A feature |')
  })
})

describe('the variables of the platform', () => {
  const all = variables(platformVariables)

  it('keep the names that operators know', () => {
    const names = new Set(all.map((variable) => variable.name))
    for (const name of [
      'DATABASE_URL',
      'REDIS_URL',
      'S3_ENDPOINT',
      'S3_REGION',
      'S3_ACCESS_KEY',
      'S3_SECRET_KEY',
      'CLAMAV_HOST',
      'CLAMAV_PORT',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
    ]) {
      expect(names).toContain(name)
    }
  })

  it('have unique names, one sentence each, valid defaults, and no secret with a default', () => {
    expect(new Set(all.map((variable) => variable.name)).size).toBe(all.length)
    for (const variable of all) {
      expect(variable.description, variable.name).toMatch(/^[A-Za-z`].*[^.]$/)
      if (typeof variable.fallback === 'string') expect(variable.schema.safeParse(variable.fallback).success, variable.name).toBe(true)
      if (variable.secret) expect(variable.fallback ?? undefined, variable.name).toBeUndefined()
    }
  })
})
