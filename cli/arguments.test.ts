import { describe, expect, test } from 'vitest'
import { parseInvocation, portOption, secondsOption, textOption } from './arguments.ts'
import type { Command } from './command.ts'
import { exitCodes, Failure } from './failure.ts'

const command: Command = {
  usage: 'up [--port N] [--home DIR] [--detach]',
  options: { port: { type: 'string' }, home: { type: 'string' }, detach: { type: 'boolean', short: 'd' } },
  run: async () => 0,
}
const withWords: Command = { ...command, usage: 'test [part]', words: [0, 1], choices: ['unit', 'integration', 'e2e'] }

function failureOf(run: () => unknown): Failure {
  try {
    run()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('parseInvocation', () => {
  test('gives options by name and words in order', () => {
    expect(parseInvocation('up', command, ['--port', '9000', '-d'])).toMatchObject({ values: { port: '9000', detach: true }, words: [] })
    expect(parseInvocation('test', withWords, ['unit'])).toMatchObject({ words: ['unit'] })
  })

  test('accepts --name=value', () => {
    expect(parseInvocation('up', command, ['--home=/tmp/a b']).values['home']).toBe('/tmp/a b')
  })

  test.each([
    [['--prot', '1'], 'unknown option "--prot"', 'did you mean "--port"?'],
    [['--detatch'], 'unknown option "--detatch"', 'did you mean "--detach"?'],
    [['-x'], 'unknown option "-x"', 'one of: --port, --home, --detach'],
    [['all'], 'up takes no argument, but got "all"', 'usage: slipway up [--port N] [--home DIR] [--detach]'],
    [['--port'], "Option '--port <value>' argument missing", 'usage: slipway up'],
    [['--detach=yes'], "Option '-d, --detach' does not take an argument", 'usage: slipway up'],
  ])('refuses %j with exit code 2 and a fix', (args, message, fix) => {
    const failure = failureOf(() => parseInvocation('up', command, args))
    expect(failure.exitCode).toBe(exitCodes.usage)
    expect(failure.message).toBe(message)
    expect(failure.fix).toContain(fix)
  })

  test('refuses a word that is none of the choices, with the nearest', () => {
    const failure = failureOf(() => parseInvocation('test', withWords, ['unti']))
    expect(failure.message).toBe('unknown argument of test "unti"')
    expect(failure.fix).toContain('did you mean "unit"?')
  })

  test('refuses too many words', () => {
    expect(failureOf(() => parseInvocation('test', withWords, ['unit', 'e2e'])).message).toBe('test got 2 argument(s)')
  })

  test('refuses options of a command that has none', () => {
    const failure = failureOf(() => parseInvocation('help', { usage: 'help', options: {}, run: async () => 0 }, ['--all']))
    expect(failure.fix).toBe('usage: slipway help')
  })
})

describe('portOption', () => {
  const portOf = (value?: string) => portOption({ values: value === undefined ? {} : { port: value }, words: [] }, 8800)

  test('is the fallback when it is not given', () => {
    expect(portOf()).toBe(8800)
    expect(portOf('9100')).toBe(9100)
  })

  test.each(['0', '80', '65536', 'abc', '88e2', '-1', ''])('refuses %j', (value) => {
    expect(failureOf(() => portOf(value))).toMatchObject({ exitCode: exitCodes.usage, message: `--port is "${value}"` })
  })
})

test('portOption may have another name', () => {
  const invocation = { values: { 'smtp-port': '2525', port: '9000' }, words: [] }
  expect(portOption(invocation, 1025, 'smtp-port')).toBe(2525)
  expect(failureOf(() => portOption({ values: { 'smtp-port': 'x' }, words: [] }, 1025, 'smtp-port')).message).toBe('--smtp-port is "x"')
})

describe('secondsOption', () => {
  const secondsOf = (value?: string) => secondsOption({ values: value === undefined ? {} : { wait: value }, words: [] }, 'wait')

  test('is nothing when it is not given', () => {
    expect([secondsOf(), secondsOf('0'), secondsOf('300')]).toEqual([undefined, 0, 300])
  })

  test.each(['', '-1', '1.5', '5s', '100000'])('refuses %j', (value) => {
    expect(failureOf(() => secondsOf(value))).toMatchObject({ exitCode: exitCodes.usage, message: `--wait is "${value}"` })
  })
})

test('textOption gives strings only', () => {
  expect(textOption({ values: { home: '/x' }, words: [] }, 'home')).toBe('/x')
  expect(textOption({ values: { home: true }, words: [] }, 'home')).toBeUndefined()
})
