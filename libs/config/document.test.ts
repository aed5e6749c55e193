import { describe, expect, it } from 'vitest'
import { configurationPage, environmentExample, integer, platformVariables, secret, text, variables } from './index.ts'

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
