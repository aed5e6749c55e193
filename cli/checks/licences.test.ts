import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { checkout } from '../home.ts'
import { isAllowed, licenceFaults, renderLicenceFaults } from './licences.ts'
import type { PackageManifest } from './workspaces.ts'

describe('isAllowed', () => {
  test.each(['MIT', '(MIT OR GPL-3.0)', '(AFL-2.1 OR BSD-3-Clause)', 'MIT AND Apache-2.0'])('%s', (expression) => {
    expect(isAllowed(expression)).toBe(true)
  })
  test.each([
    'GPL-3.0-only',
    'AGPL-3.0',
    'MIT AND GPL-3.0',
    'none stated',
    'UNLICENSED',
    'SEE LICENSE IN LICENSE',
    '((MIT) OR (GPL-3.0))',
    '',
  ])('not %j', (expression) => {
    expect(isAllowed(expression)).toBe(false)
  })
})

/** A tree of packages: folder → what its package.json says. */
function tree(packages: Record<string, PackageManifest>): string {
  const root = temporaryFolder()
  for (const [folder, manifest] of Object.entries(packages)) {
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, folder, 'package.json'), JSON.stringify(manifest))
  }
  return root
}

const base = { '.': { workspaces: ['services/*'] }, 'services/files': { name: '@slipway/files', dependencies: { a: '1' } } }

test('a bad licence deep in production dependencies is found, with the way it came in', () => {
  const root = tree({
    ...base,
    'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { b: '1' } },
    'node_modules/b': { version: '2.0.0', license: 'AGPL-3.0-only' },
  })
  const { faults } = licenceFaults(root)
  expect(faults).toEqual([{ name: 'b@2.0.0', licence: 'AGPL-3.0-only', path: ['services/files', 'a', 'b'] }])
  expect(renderLicenceFaults(faults)).toContain('services/files → a → b')
})

test('the copy that Node would load is the one that counts', () => {
  const root = tree({
    ...base,
    'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { b: '1' } },
    'node_modules/a/node_modules/b': { version: '1.0.0', license: 'ISC' },
    'node_modules/b': { version: '2.0.0', license: 'GPL-2.0' },
  })
  expect(licenceFaults(root)).toEqual({ checked: 2, faults: [] })
})

test('a library that is loaded as it is may be under the LGPL, and only that one under only that licence', () => {
  const under = (name: string, license: string) =>
    licenceFaults(
      tree({
        '.': { workspaces: ['services/*'] },
        'services/files': { dependencies: { [name]: '1' } },
        [`node_modules/${name}`]: { version: '1.0.0', license },
      }),
    ).faults.length
  expect(under('@img/sharp-libvips-linux-x64', 'LGPL-3.0-or-later')).toBe(0)
  expect(under('@img/sharp-libvips-linux-x64', 'GPL-3.0-or-later')).toBe(1)
  expect(under('other', 'LGPL-3.0-or-later')).toBe(1)
})

test('a package that states no licence, or an old form of one', () => {
  const old = { type: 'MIT' }
  const root = tree({
    ...base,
    'node_modules/a': { version: '1.0.0', licenses: [old], dependencies: { b: '1' } },
    'node_modules/b': { version: '1.0.0' },
  })
  expect(licenceFaults(root).faults.map((fault) => fault.licence)).toEqual(['none stated'])
})

test('what only development uses does not count', () => {
  const root = tree({
    ...base,
    'node_modules/a': { version: '1.0.0', license: 'MIT' },
    'node_modules/tool': { version: '1.0.0', license: 'GPL-3.0' },
  })
  expect(licenceFaults(root).faults).toEqual([])
})

test('an optional peer that only happens to be installed does not count, a required one does', () => {
  const peers = { peerDependencies: { b: '1', c: '1' }, peerDependenciesMeta: { b: { optional: true } } }
  const root = tree({
    ...base,
    'node_modules/a': { version: '1.0.0', license: 'MIT', ...peers },
    'node_modules/b': { version: '1.0.0', license: 'GPL-2.0' },
    'node_modules/c': { version: '1.0.0', license: 'GPL-3.0' },
  })
  expect(licenceFaults(root).faults.map((fault) => fault.name)).toEqual(['c@1.0.0'])
})

test('this tree ships allowed licences only', () => {
  const { checked, faults } = licenceFaults(checkout)
  expect(checked).toBeGreaterThan(100)
  expect(renderLicenceFaults(faults)).toBe('')
})
