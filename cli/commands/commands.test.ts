import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { commandNames, commands } from '../commands.ts'
import { exitCodes } from '../failure.ts'
import { temporaryFolder } from '../folders.fixtures.ts'
import { homeAt, makeHome } from '../home.ts'
import { identify } from '../supervisor/identity.ts'
import type { RecordedUnit, StackState } from '../supervisor/state.ts'
import { duration, table } from '../text.ts'
import { render as renderFindings } from './doctor.ts'
import { help } from './help.ts'
import { LogTail, logs } from './logs.ts'
import { reset } from './reset.ts'
import { render, status, viewOf } from './status.ts'
import { test as testCommand } from './test.ts'
import { up } from './up.ts'

let printed: string[] = []
beforeEach(() => {
  printed = []
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text))
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => (printed.push(String(text)), true))
})
afterEach(() => {
  vi.restoreAllMocks()
})

function newFolder(): string {
  return temporaryFolder()
}

const gone = { pid: process.pid, started: 'an earlier process of this number' }

function stateOf(supervisor: StackState['supervisor'], units: Partial<RecordedUnit>[] = []): StackState {
  const unit: RecordedUnit = {
    name: 'files-api',
    kind: 'api',
    port: 20_001,
    stopSignal: 'SIGTERM',
    state: 'ready',
    pid: process.pid,
    since: new Date(0).toISOString(),
    restarts: 0,
    lastFailure: undefined,
    identity: identify(process.pid),
  }
  return {
    version: 1,
    supervisor,
    phase: 'ready',
    url: 'http://localhost:8800',
    port: 8800,
    startedAt: new Date(0).toISOString(),
    units: units.map((change) => ({ ...unit, ...change })),
  }
}

describe('help', () => {
  test('names every command that people start, and not the others', async () => {
    expect(await help.run({ values: {}, words: [] })).toBe(exitCodes.ok)
    for (const name of commandNames) expect(printed.join('\n')).toContain(name)
    expect(printed.join('\n')).not.toContain('supervise')
  })

  test('shows the options of one', async () => {
    await help.run({ values: {}, words: ['up'] })
    expect(printed.join('\n')).toContain('up [--port N] [--home DIR] [--detach]')
  })

  test.each(Object.keys(commands))('%s says how it is used', async (name) => {
    expect((await commands[name]?.load())?.usage).toMatch(new RegExp(`^${name}\\b`))
  })
})

describe('status', () => {
  test('of nothing: says so, exit code 3', async () => {
    expect(await status.run({ values: { home: newFolder() }, words: [] })).toBe(exitCodes.notRunning)
    expect(printed.join()).toContain('Nothing is running')
  })

  test('of a stack that runs: a line per process, exit code 0', async () => {
    const home = homeAt(newFolder())
    makeHome(home)
    writeFileSync(home.state, JSON.stringify(stateOf(identify(process.pid), [{}])))
    expect(await status.run({ values: { home: home.folder }, words: [] })).toBe(exitCodes.ok)
    expect(printed.join()).toMatch(/files-api +ready +\d+ +20001/)
  })

  test('of one with a process that is being restarted: says why, exit code 1', async () => {
    const home = homeAt(newFolder())
    makeHome(home)
    const unit = { state: 'restarting', restarts: 3, lastFailure: 'exited with code 1', pid: undefined, identity: null } as const
    writeFileSync(home.state, JSON.stringify(stateOf(identify(process.pid), [unit])))
    expect(await status.run({ values: { home: home.folder, json: true }, words: [] })).toBe(exitCodes.failed)
    const view = JSON.parse(printed.join()) as { processes: unknown[] }
    expect(view.processes).toEqual([
      expect.objectContaining({ state: 'restarting', restarts: 3, lastFailure: 'exited with code 1', pid: null }),
    ])
  })

  test('of one whose supervisor was killed: names what is left', () => {
    const view = viewOf(stateOf(gone, [{}, { name: 'redis', identity: gone }]), 5000)
    expect(view).toMatchObject({ running: false, phase: 'killed', processes: [{ state: 'orphaned', seconds: 5 }, { state: 'gone' }] })
    expect(render(view)).toContain('The supervisor was killed')
  })
})

describe('logs', () => {
  test('prints the last lines of one process', async () => {
    const home = homeAt(newFolder())
    makeHome(home)
    writeFileSync(join(home.logs, 'redis.log'), 'one\ntwo\nthree\n')
    await logs.run({ values: { home: home.folder, lines: '2' }, words: ['redis'] })
    expect(printed).toEqual(['two\nthree\n'])
  })

  test('prints all of them with their names', async () => {
    const home = homeAt(newFolder())
    makeHome(home)
    for (const name of ['redis', 'clamd']) writeFileSync(join(home.logs, `${name}.log`), `of ${name}\n`)
    await logs.run({ values: { home: home.folder }, words: [] })
    expect(printed).toEqual(['clamd | of clamd\n', 'redis | of redis\n'])
  })

  test('names the nearest process when there is none of that name', async () => {
    const home = homeAt(newFolder())
    makeHome(home)
    writeFileSync(join(home.logs, 'files-api.log'), '')
    await expect(logs.run({ values: { home: home.folder }, words: ['file-api'] })).rejects.toMatchObject({
      fix: expect.stringContaining('did you mean "files-api"?'),
    })
  })

  test('a tail gives whole lines only, each once, and goes on after a rotation', () => {
    const file = join(newFolder(), 'a.log')
    writeFileSync(file, 'one\ntw')
    const tail = new LogTail(file, '')
    expect(tail.last(10)).toEqual(['one'])
    appendFileSync(file, 'o\nthree\n')
    expect(tail.next()).toEqual(['two', 'three'])
    expect(tail.next()).toEqual([])
    writeFileSync(file, 'new\n')
    expect(tail.next()).toEqual(['new'])
  })
})

describe('logs of processes that are not well behaved', () => {
  const logsOf = async (text: string, values: Record<string, string | boolean>) => {
    const home = homeAt(newFolder())
    makeHome(home)
    writeFileSync(join(home.logs, 'redis.log'), text)
    const code = await logs.run({ values: { home: home.folder, ...values }, words: ['redis'] })
    return { code, text: printed.join('') }
  }

  test.each([
    ['one\ntwo', '50', 'one\ntwo\n'],
    ['one\ntwo', '1', 'two\n'],
    ['one\ntwo\n', '1', 'two\n'],
    ['one\n\n\n', '2', '\n\n'],
    ['no end', '1', 'no end\n'],
    ['', '5', ''],
    ['one\ntwo', '0', ''],
  ])('%j, %s lines: %j', async (text, lines, expected) => {
    expect(await logsOf(text, { lines })).toEqual({ code: exitCodes.ok, text: expected })
  })

  test.each([1, 2, 3, 500])('the last %s lines of a log that is much larger than what is read at a time', async (lines) => {
    const all = Array.from({ length: 3000 }, (_, index) => `${index} ${'é'.repeat((index * 37) % 4000)}`)
    all[2999] = `last ${'x'.repeat(200_000)}`
    const { text } = await logsOf(`${all.join('\n')}\n`, { lines: String(lines) })
    expect(text.trimEnd().split('\n')).toEqual(all.slice(-lines))
  })

  test.each(['-1', '1.5', 'ten', '', '1e3', '99999999'])('--lines %j is refused', async (lines) => {
    await expect(logsOf('one\n', { lines })).rejects.toMatchObject({ exitCode: exitCodes.usage, message: `--lines is "${lines}"` })
  })

  test.each(['../secrets', '..', '/etc/passwd', 'redis.log', '.', ''])(
    'a process named %j is none, and no file is opened for it',
    async (name) => {
      const home = homeAt(newFolder())
      makeHome(home)
      writeFileSync(join(home.logs, 'redis.log'), 'one\n')
      writeFileSync(join(home.folder, 'secrets.log'), 'secret\n')
      await expect(logs.run({ values: { home: home.folder }, words: [name] })).rejects.toMatchObject({
        message: `unknown process "${name}"`,
      })
      expect(printed).toEqual([])
    },
  )

  test('there are none: says how to get some', async () => {
    await expect(logs.run({ values: { home: newFolder() }, words: [] })).rejects.toThrow(/there are no logs in/)
  })

  test('a character that is written in two halves is read whole', () => {
    const file = join(newFolder(), 'a.log')
    const bytes = Buffer.from('zurück 家\n')
    writeFileSync(file, '')
    const tail = new LogTail(file, '')
    tail.last(10)
    for (const byte of bytes.subarray(0, -1)) {
      appendFileSync(file, Buffer.of(byte))
      expect(tail.next()).toEqual([])
    }
    appendFileSync(file, '\n')
    expect(tail.next()).toEqual(['zurück 家'])
  })

  test('a log that was put away and has grown beyond the old one since is read from its start', () => {
    const file = join(newFolder(), 'a.log')
    writeFileSync(file, 'old\nunfinis')
    const tail = new LogTail(file, 'redis | ')
    expect(tail.last(10)).toEqual(['redis | old'])
    renameSync(file, `${file}.1`)
    expect(tail.next()).toEqual([])
    writeFileSync(file, 'new\n'.repeat(20))
    expect(tail.next()).toEqual(Array(20).fill('redis | new'))
  })
})

describe('test', () => {
  test.each([
    [{ url: 'http://localhost:1' }, [], '--url is for black-box tests only'],
    [{ url: 'http://localhost:1' }, ['static'], '--url is for black-box tests only'],
    [{ url: 'http://localhost:1' }, ['unit'], '--url is for black-box tests only'],
    [{ url: 'localhost:8800' }, ['e2e'], '--url is "localhost:8800"'],
    [{ url: '' }, ['e2e'], '--url is ""'],
  ])('%j %j is refused before anything is run', async (values, words, message) => {
    await expect(testCommand.run({ values, words })).rejects.toMatchObject({ exitCode: exitCodes.usage, message })
    expect(printed).toEqual([])
  })
})

describe('up', () => {
  const upIn = (phase: StackState['phase'], port?: string) => {
    const home = homeAt(newFolder())
    makeHome(home)
    writeFileSync(home.state, JSON.stringify({ ...stateOf(identify(process.pid)), phase }))
    return up.run({ values: { home: home.folder, ...(port === undefined ? {} : { port }) }, words: [] })
  }

  test.each([
    ['starting', 'is still starting'],
    ['stopping', 'is just stopping'],
  ] as const)('while the stack is %s: says so and starts nothing', async (phase, words) => {
    await expect(upIn(phase)).rejects.toMatchObject({ exitCode: exitCodes.failed, message: expect.stringContaining(words) })
  })

  test('while it runs: well on the same port, refused on another', async () => {
    expect(await upIn('ready')).toBe(exitCodes.ok)
    expect(await upIn('ready', '8800')).toBe(exitCodes.ok)
    expect(printed.join()).toContain('Slipway runs already: http://localhost:8800')
    await expect(upIn('ready', '8801')).rejects.toMatchObject({ message: 'this stack runs already, on port 8800' })
  })

  test('does not settle among the files of somebody', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'thesis.tex'), 'years of work')
    await expect(up.run({ values: { home: folder }, words: [] })).rejects.toThrow('is not the home of a stack')
    expect(readdirSync(folder)).toEqual(['thesis.tex'])
  })
})

describe('reset', () => {
  test('refuses a project that happens to have logs and run in it', async () => {
    const folder = newFolder()
    for (const name of ['logs', 'run', 'src']) mkdirSync(join(folder, name))
    await expect(reset.run({ values: { home: folder, yes: true }, words: [] })).rejects.toThrow(/is not the home of a stack/)
    expect(readdirSync(folder).toSorted()).toEqual(['logs', 'run', 'src'])
  })

  test('asks nobody when nobody is there, and deletes nothing', async () => {
    const home = homeAt(newFolder())
    makeHome(home)
    await expect(reset.run({ values: { home: home.folder }, words: [] })).rejects.toMatchObject({
      exitCode: exitCodes.usage,
      fix: 'add --yes',
    })
    expect(existsSync(home.folder)).toBe(true)
  })

  test('deletes a home', async () => {
    const home = homeAt(newFolder())
    makeHome(home)
    expect(await reset.run({ values: { home: home.folder, yes: true }, words: [] })).toBe(exitCodes.ok)
    expect(existsSync(home.folder)).toBe(false)
  })

  test('refuses a folder that is no home of a stack', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'thesis.tex'), 'years of work')
    await expect(reset.run({ values: { home: folder, yes: true }, words: [] })).rejects.toThrow(/is not the home of a stack/)
    expect(existsSync(join(folder, 'thesis.tex'))).toBe(true)
  })

  test('of nothing is nothing', async () => {
    expect(await reset.run({ values: { home: join(newFolder(), 'none'), yes: true }, words: [] })).toBe(exitCodes.ok)
  })

  test('leaves the folders above alone', async () => {
    const folder = newFolder()
    mkdirSync(join(folder, 'beside'))
    const home = homeAt(join(folder, 'home'))
    makeHome(home)
    await reset.run({ values: { home: home.folder, yes: true }, words: [] })
    expect(existsSync(join(folder, 'beside'))).toBe(true)
  })
})

test('findings of the doctor: what, why, and how to mend it', () => {
  const text = renderFindings([
    { name: 'node', level: 'ok', fault: null, what: 'Node 24' },
    { name: 'redis', level: 'fail', fault: 'redis.eviction', what: 'policy allkeys-lru', why: 'jobs vanish', fix: 'set noeviction' },
  ])
  expect(text).toMatch(
    /^ok {4}node {3}Node 24\nFAIL {2}redis {2}policy allkeys-lru\n {13}why: jobs vanish\n {13}fix: set noeviction\n\n1 well, 0 warnings, 1 failures$/,
  )
})

test('text: columns and durations', () => {
  expect(
    table(
      ['a', 'b'],
      [
        ['long', 'x'],
        ['s', ''],
      ],
    ),
  ).toBe('a     b\nlong  x\ns')
  expect([5, 119, 120, 7200, 200_000].map(duration)).toEqual(['5 s', '119 s', '2 min', '2 h', '2 d'])
})
