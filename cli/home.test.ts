import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCodes } from './failure.ts'
import { temporaryFolder } from './folders.fixtures.ts'
import { homeAt, homeOption, makeHome, refuseForeignFolder } from './home.ts'

describe('homeAt', () => {
  test('is absolute whatever was given, and the one of the checkout without a name', () => {
    expect(homeAt('some/where').folder).toBe(join(process.cwd(), 'some/where'))
    expect(homeAt(undefined)).toMatchObject({ isDefault: true, folder: expect.stringMatching(/\/\.slipway$/) })
    expect(homeAt(homeAt(undefined).folder).isDefault).toBe(true)
  })

  test('refuses an empty name, as that of an unset variable is, instead of taking the working folder', () => {
    expect(() => homeAt('')).toThrow(expect.objectContaining({ message: '--home is empty', exitCode: exitCodes.usage }))
  })
})

describe('a folder that a stack may settle in', () => {
  test.each([
    ['is not there yet', []],
    ['is empty', ['']],
    ['was begun by a start that failed early', ['run/', 'logs/', 'secrets/']],
    ['is the home of a stack', ['run/', 'logs/', 'secrets.json', 'postgres/', 'notes of mine.txt']],
  ])('%s', (_, entries) => {
    const folder = join(temporaryFolder(), 'home')
    for (const entry of entries) make(join(folder, entry))
    makeHome(homeAt(folder))
    expect(existsSync(join(folder, 'run'))).toBe(true)
  })

  test.each([
    ['a project', ['package.json', 'src/']],
    ['a hidden file', ['.profile']],
    ['a project that has logs and run too', ['package.json', 'run/', 'logs/']],
    ['secrets of something else', ['secrets.json', 'logs/']],
  ])('but not among the files of others: %s', (_, entries) => {
    const folder = join(temporaryFolder(), 'theirs')
    for (const entry of entries) make(join(folder, entry))
    const before = readdirSync(folder)
    const refusal = expect.objectContaining({
      message: `${folder} is not the home of a stack, and not empty`,
      fix: expect.stringContaining('--home'),
    })
    expect(() => makeHome(homeAt(folder))).toThrow(refusal)
    expect(() => refuseForeignFolder(homeAt(folder))).toThrow(refusal)
    expect(readdirSync(folder)).toEqual(before)
  })

  test('may be reached by a link', () => {
    const place = temporaryFolder()
    mkdirSync(join(place, 'disk'))
    symlinkSync(join(place, 'disk'), join(place, 'home'))
    makeHome(homeAt(join(place, 'home')))
    expect(readdirSync(join(place, 'disk')).toSorted()).toEqual(['logs', 'run'])
  })

  function make(path: string): void {
    if (path.endsWith('/') || !path.includes('.')) mkdirSync(path, { recursive: true })
    else {
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, 'theirs')
    }
  }
})

test('the home in a message can be copied into a shell', () => {
  expect(homeOption(homeAt('/tmp/plain-home_1.x'))).toBe(' --home /tmp/plain-home_1.x')
  expect(homeOption(homeAt("/tmp/it's a $HOME"))).toBe(` --home '/tmp/it'\\''s a $HOME'`)
  expect(homeOption(homeAt(undefined))).toBe('')
})
