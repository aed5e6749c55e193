import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { slipway, start } from './command.fixtures.ts'
import { temporaryFolder } from './folders.fixtures.ts'
import { checkout, homeAt, makeHome } from './home.ts'
import { poll } from './supervisor/poll.ts'
import { StateRecord } from './supervisor/state.ts'

const patience = { timeout: 60_000 }

describe('what is wrong with the arguments is said in one message, exit code 2', () => {
  test.concurrent.each([
    [['upp'], 'unknown command "upp"', 'did you mean "up"?'],
    [['supervisor'], 'unknown command "supervisor"', 'one of: up, down'],
    [['constructor'], 'unknown command "constructor"', 'one of: up, down'],
    [['up', '--port', '80'], '--port is "80"', '1024'],
    [['up', '--port', 'eighty'], '--port is "eighty"', '1024'],
    [['up', '--home', ''], '--home is empty', 'name a folder'],
    [['down', 'now'], 'down takes no argument, but got "now"', 'usage: slipway down'],
    [['test', 'unti'], 'unknown argument of test "unti"', 'did you mean "unit"?'],
    [['test', 'unit', '--url', 'http://localhost:1'], '--url is for black-box tests only', 'slipway test e2e --url'],
    [['operator', 'remove', 'a@b.c'], 'unknown argument of operator "remove"', 'did you mean "add"?|one of: add'],
    [['operator', 'add'], 'operator got 1 argument(s)', 'operator add <email>'],
    [['help', 'nothing'], 'unknown argument of help "nothing"', 'one of:'],
  ])('slipway %j', patience, async (args, message, fix) => {
    const { code, output } = await slipway(...args)
    expect(output).toContain(`slipway: ${message}\n`)
    expect(output).toMatch(new RegExp(`fix: .*(${fix.replaceAll(/[.?()+]/g, '\\$&')})`))
    expect(output).not.toMatch(/\n\s+at /)
    expect(code).toBe(2)
  })
})

describe('help', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']]])('is given for %j', patience, async (args) => {
    expect(await slipway(...args)).toMatchObject({ code: 0, output: expect.stringContaining('usage: slipway <command>') })
  })

  test('of a command stands in for running it', patience, async () => {
    const folder = temporaryFolder()
    expect(await slipway('up', '--home', folder, '--help')).toMatchObject({ code: 0, output: expect.stringContaining('usage: slipway up') })
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('logs', () => {
  test('a reader that has seen enough is no failure', patience, async () => {
    const home = homeAt(temporaryFolder())
    makeHome(home)
    writeFileSync(join(home.logs, 'redis.log'), 'a line of a log\n'.repeat(100_000))
    const command = `"$0" "$1" logs redis --lines 100000 --home "$2" | head -n 1`
    const child = spawn('/bin/sh', ['-c', command, process.execPath, join(checkout, 'cli', 'main.ts'), home.folder])
    const chunks: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(String(chunk)))
    await new Promise((resolve) => child.once('close', resolve))
    expect(chunks.join('')).toBe('a line of a log\n')
  })

  test('follows what is added, until Ctrl-C', patience, async () => {
    const home = homeAt(temporaryFolder())
    makeHome(home)
    const file = join(home.logs, 'redis.log')
    writeFileSync(file, 'before\n')
    const command = start(['logs', 'redis', '--follow', '--home', home.folder])
    const shows = (text: string) => poll(() => (command.printed() === text ? true : null), { within: 30_000 })
    expect(await shows('before\n')).toBe(true)
    writeFileSync(file, 'after\n', { flag: 'a' })
    expect(await shows('before\nafter\n')).toBe(true)
    command.child.kill('SIGINT')
    expect((await command.result).code).toBe(0)
  })
})

const nobody = { uid: 65_534 }
/** Nobody runs a checkout that lies in a folder which only root may enter. */
const runsForOthers = process.getuid?.() === 0 && spawnSync(process.execPath, ['--version'], { uid: nobody.uid }).status === 0

describe.runIf(runsForOthers)('a home of another user', () => {
  function homeOfRoot() {
    const home = homeAt(temporaryFolder())
    makeHome(home)
    chmodSync(home.folder, 0o755)
    new StateRecord({ file: home.state, url: 'http://localhost:8800', port: 8800 }).phase('ready')
    return home
  }

  test.each([['status'], ['down'], ['up'], ['reset', '--yes'], ['doctor'], ['migrate']])(
    '%s says whose turn it is, and neither that nothing runs nor that it was stopped',
    patience,
    async (...words) => {
      const home = homeOfRoot()
      const { code, output } = await start([...words, '--home', home.folder], nobody).result
      expect(code).toBe(1)
      expect(output).toContain('permission denied')
      expect(output).toMatch(/fix: .*run this as the user that it belongs to/)
      expect(output).not.toMatch(/[Nn]othing|[Ss]topped|Deleted/)
      expect(readdirSync(home.run)).toEqual(['state.json'])
    },
  )

  test('a folder that may not be entered is named, and nothing is started', patience, async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'home'))
    const { code, output } = await start(['up', '--home', join(folder, 'home', 'mine')], nobody).result
    expect(code).toBe(1)
    expect(output).toContain(join(folder, 'home'))
    expect(output).toContain('fix: ')
  })
})
