import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ConfigError,
  choice,
  decimal,
  flag,
  integer,
  list,
  readConfig,
  Secret,
  secret,
  secretUrl,
  text,
  url,
  type Variable,
} from './index.ts'

const about = { description: 'what it is' }

function faultsOf(read: () => unknown): readonly string[] {
  try {
    read()
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('readConfig', () => {
  const tree = {
    port: integer('PORT', { ...about, default: 8080, min: 1, max: 65_535 }),
    store: {
      url: url('STORE_URL', { ...about, protocols: ['http', 'https'] }),
      key: secret('STORE_KEY', { ...about, optional: true }),
    },
  }

  it('gives a nested object of typed values, frozen all the way down', () => {
    const config = readConfig(tree, { PORT: '90', STORE_URL: 'http://localhost:1/x', STORE_KEY: 'k' })
    expect(config.port).toBe(90)
    expect(config.store.url.host).toBe('localhost:1')
    expect(config.store.key?.reveal()).toBe('k')
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.store)).toBe(true)
  })

  it('falls back to defaults, and to null where a feature is optional', () => {
    const config = readConfig(tree, { STORE_URL: 'https://s3' })
    expect(config).toMatchObject({ port: 8080, store: { key: null } })
  })

  it('counts an empty variable as not set', () => {
    expect(readConfig(tree, { STORE_URL: 'https://s3', PORT: '', STORE_KEY: '' })).toMatchObject({ port: 8080, store: { key: null } })
  })

  it('collects every fault, each naming the variable, the value received and what would be right', () => {
    const faults = faultsOf(() => readConfig(tree, { PORT: '70000', STORE_URL: 'ftp://x' }))
    expect(faults).toHaveLength(2)
    expect(faults[0]).toContain('PORT: "70000" is not a whole number from 1 to 65535')
    expect(faults[1]).toContain('STORE_URL: "ftp://x" is not a http or https URL')
    expect(faultsOf(() => readConfig(tree, {}))).toEqual(['STORE_URL is not set: what it is (http or https URL)'])
  })

  it('never prints a secret value that is refused', () => {
    const faults = faultsOf(() =>
      readConfig({ u: secretUrl('DB', { ...about, protocols: ['postgres'] }) }, { DB: 'mysql://u:hunter2@h/d' }),
    )
    expect(faults.join()).not.toContain('hunter2')
    expect(faults).toHaveLength(1)
  })
})

describe('unknown names', () => {
  const tree = { home: text('SLIPWAY_PUBLIC_URL', { ...about, optional: true }) }

  it('refuses an unknown SLIPWAY_ variable and suggests the nearest', () => {
    expect(faultsOf(() => readConfig(tree, { SLIPWAY_PUBLC_URL: 'x' }))).toEqual([
      'SLIPWAY_PUBLC_URL is not a known variable: did you mean SLIPWAY_PUBLIC_URL?',
    ])
    expect(faultsOf(() => readConfig(tree, { SLIPWAY_QQQQQQQQQQQQQQQQQ: 'x' }))).toEqual([
      'SLIPWAY_QQQQQQQQQQQQQQQQQ is not a known variable: unset it',
    ])
  })

  it('leaves foreign variables, declared files and names of neighbours alone', () => {
    expect(readConfig(tree, { PATH: '/bin', SLIPWAY_URL: 'x' }, { known: ['SLIPWAY_URL'] })).toEqual({ home: null })
  })
})

describe('NAME_FILE', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'config-'))
    await writeFile(join(folder, 'key'), 'from file\n')
  })
  afterAll(() => rm(folder, { recursive: true }))
  const tree = { key: secret('KEY', about) }

  it('reads a mounted secret without its last newline', () => {
    expect(readConfig(tree, { KEY_FILE: join(folder, 'key') }).key.reveal()).toBe('from file')
  })

  it('refuses both forms at once, and a file that is not there', () => {
    expect(faultsOf(() => readConfig(tree, { KEY: 'a', KEY_FILE: join(folder, 'key') }))).toEqual([
      'KEY and KEY_FILE are both set: keep one of them',
    ])
    expect(faultsOf(() => readConfig(tree, { KEY_FILE: join(folder, 'none') }))[0]).toContain('cannot be read (ENOENT)')
  })
})

describe('kinds of variables', () => {
  const read = (variable: Variable<unknown>, value: string): unknown => readConfig({ v: variable }, { V: value }).v

  it('reads flags, choices, lists and decimals strictly', () => {
    expect(read(flag('V', about), 'true')).toBe(true)
    expect(() => read(flag('V', about), 'yes')).toThrow(/not a `true` or `false`/)
    expect(read(choice('V', ['a', 'b'], about), 'b')).toBe('b')
    expect(() => read(choice('V', ['a', 'b'], about), 'c')).toThrow(/`a`, `b`/)
    expect(read(list('V', about), ' a, ,b ')).toEqual(['a', 'b'])
    expect(read(decimal('V', { ...about, max: 1 }), '0.25')).toBe(0.25)
    expect(() => read(decimal('V', { ...about, max: 1 }), '1.5')).toThrow(ConfigError)
    expect(() => read(integer('V', about), '1e3')).toThrow(/whole number/)
    expect(() => read(url('V', about), 'nonsense')).toThrow(/absolute URL/)
  })
})

describe('Secret', () => {
  it('prints as [secret] in every way a value ends up in text', async () => {
    const { inspect, format } = await import('node:util')
    const key = new Secret('hunter2')
    // oxlint-disable-next-line typescript/restrict-template-expressions -- that is what is tried
    for (const shown of [`${key}`, String(key), JSON.stringify({ key }), inspect({ key }), format('%o %s %j', key, key, key)]) {
      expect(shown).toContain('[secret]')
      expect(shown).not.toContain('hunter2')
    }
    expect(Object.keys(key)).toEqual([])
    expect(key.reveal()).toBe('hunter2')
  })
})
