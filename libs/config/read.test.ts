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

  it('counts an empty one as not set, like any other variable', () => {
    expect(readConfig(tree, { SLIPWAY_PUBLC_URL: '', SLIPWAY_GONE: undefined })).toEqual({ home: null })
  })

  it('suggests for a misspelt file variable as well, and lets that of a known name be', () => {
    expect(faultsOf(() => readConfig(tree, { SLIPWAY_PUBLC_URL_FILE: '/x' }))).toEqual([
      'SLIPWAY_PUBLC_URL_FILE is not a known variable: did you mean SLIPWAY_PUBLIC_URL?',
    ])
    expect(readConfig(tree, { SLIPWAY_URL_FILE: '/x' }, { known: ['SLIPWAY_URL'] })).toEqual({ home: null })
  })

  it('tells of every unknown name together with all other faults', () => {
    const faults = faultsOf(() => readConfig({ ...tree, port: integer('PORT', about) }, { SLIPWAY_A: '1', SLIPWAY_B: '2', PORT: 'x' }))
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['SLIPWAY_A', 'SLIPWAY_B', 'PORT:'])
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

describe('what a file may hold', () => {
  const tree = { key: secret('KEY', about), port: integer('PORT', { ...about, default: 1 }) }
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'config-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const holding = async (content: string | Buffer) => {
    const path = join(folder, 'value')
    await writeFile(path, content)
    return path
  }

  it.each([
    ['nothing at its end', 'k', 'k'],
    ['one newline, as editors write it', 'k\n', 'k'],
    ['one newline, as Windows writes it', 'k\r\n', 'k'],
    ['newlines of its own', 'a\nb\n\n', 'a\nb\n'],
    ['blanks, which may be part of a password', '  k \n', '  k '],
    ['letters beyond ASCII', 'grün\n', 'grün'],
  ])('%s', async (_, content, value) => {
    expect(readConfig(tree, { KEY_FILE: await holding(content) }).key.reveal()).toBe(value)
  })

  it('a number, with the newline that comes with it', async () => {
    expect(readConfig(tree, { KEY: 'k', PORT_FILE: await holding('9090\n') }).port).toBe(9090)
  })

  it.each(['', '\n'])('not nothing (%j): an empty secret is a mistake in mounting, not a secret', async (content) => {
    const faults = faultsOf(() => readConfig({ key: secret('KEY', { ...about, optional: true }) }, { KEY_FILE: '', KEY: '' }))
    expect(faults).toEqual([])
    const path = await holding(content)
    expect(faultsOf(() => readConfig({ key: secret('KEY', { ...about, optional: true }) }, { KEY_FILE: path }))).toHaveLength(1)
  })

  it('not a folder: the fault names the variable, the path and the reason, and nothing else is said', () => {
    expect(faultsOf(() => readConfig(tree, { KEY_FILE: folder }))).toEqual([
      `KEY_FILE: "${folder}" cannot be read (EISDIR): mount the file or unset the variable`,
    ])
  })

  it('not what nobody shows: the value of a refused secret file stays out of the message', async () => {
    const shape = { url: secretUrl('DB_URL', { ...about, protocols: ['postgres'] }) }
    const path = await holding('mysql://u:hunter2@h/d\n')
    const [fault] = faultsOf(() => readConfig(shape, { DB_URL_FILE: path }))
    expect(fault).toBe('DB_URL: its value is not a postgres URL (must start with postgres://)')
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

describe('the borders of a kind', () => {
  const port = integer('V', { ...about, min: 1, max: 10 })
  const ratio = decimal('V', { ...about, min: -1, max: 1 })
  const web = url('V', { ...about, protocols: ['https'] })
  const accepts = (variable: Variable<unknown>, value: string) => faultsOf(() => readConfig({ v: variable }, { V: value })).length === 0

  it.each<[string, Variable<unknown>, { fine: string[]; refused: string[] }]>([
    ['integer', port, { fine: ['1', '10', '007'], refused: ['0', '11', '-1', '1.0', ' 1', '1 ', '0x1', '+1', 'Infinity', 'NaN', '1_0'] }],
    [
      'unbounded integer',
      integer('V', about),
      { fine: ['0', '9007199254740991'], refused: ['-1', '9007199254740992', '99999999999999999999'] },
    ],
    ['decimal', ratio, { fine: ['-1', '1', '0', '0.5', '-0.5'], refused: ['1.01', '-1.01', '.5', '5.', '1e-1', 'NaN'] }],
    ['flag', flag('V', about), { fine: ['true', 'false'], refused: ['TRUE', '1', '0', 'yes', 'on', ' true'] }],
    ['url', web, { fine: ['https://a', 'https://a:1/b?c'], refused: ['http://a', 'a', '//a', 'https://', 'javascript:alert(1)'] }],
    ['text', text('V', about), { fine: [' ', 'a'], refused: [] }],
  ])('%s', (_, variable, { fine, refused }) => {
    expect(fine.filter((value) => !accepts(variable, value))).toEqual([])
    expect(refused.filter((value) => accepts(variable, value))).toEqual([])
  })

  it('gives a list that nobody can change', () => {
    const { hosts } = readConfig({ hosts: list('HOSTS', { ...about, default: 'a,b' }) }, {})
    expect(hosts).toEqual(['a', 'b'])
    expect(Object.isFrozen(hosts)).toBe(true)
  })

  it('holds a default to the same rules: a wrong one is seen at the first start', () => {
    expect(faultsOf(() => readConfig({ v: integer('V', { ...about, default: 11, max: 10 }) }, {}))).toHaveLength(1)
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
