import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { siblingOf } from './sibling.ts'

const drizzle = dirname(fileURLToPath(import.meta.resolve('drizzle-orm')))

it('names the file that is meant', () => {
  const parent = 'file:///app/node_modules/drizzle-orm/pg-core/table.js'
  expect(siblingOf('../entity.js', parent)).toBe('file:///app/node_modules/drizzle-orm/entity.js')
  expect(siblingOf('./columns/index.js', parent)).toBe('file:///app/node_modules/drizzle-orm/pg-core/columns/index.js')
})

it.each([
  ['a package', 'pg', 'file:///app/node_modules/drizzle-orm/pg-core/table.js'],
  ['a file of another package', './a.js', 'file:///app/node_modules/pg/lib/index.js'],
  ['a file of a package with a like name', './a.js', 'file:///app/node_modules/drizzle-orm-extras/index.js'],
  ['a CommonJS file', './a.cjs', 'file:///app/node_modules/drizzle-orm/index.cjs'],
  ['what a CommonJS file asks for', './a.js', 'file:///app/node_modules/drizzle-orm/index.cjs'],
  ['the program', './a.js', undefined],
])('leaves %s to Node.js', (_what, specifier, parent) => {
  expect(siblingOf(specifier, parent)).toBeNull()
})

it('is right about drizzle-orm as it is installed', () => {
  expect(JSON.parse(readFileSync(join(drizzle, 'package.json'), 'utf8'))).toMatchObject({ type: 'module' })
  expect(globSync('*/**/package.json', { cwd: drizzle, exclude: ['node_modules'] })).toEqual([])
  const files = globSync('{,pg-core/,node-postgres/,sql/}**/*.js', { cwd: drizzle })
  expect(files.length).toBeGreaterThan(100)
  const wrong = files.flatMap((file) => {
    const url = pathToFileURL(join(drizzle, file)).href
    const names = [...readFileSync(join(drizzle, file), 'utf8').matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)].map(([, name = '']) => name)
    return names.filter((name) => !existsSync(new URL(siblingOf(name, url) ?? 'file:///nowhere'))).map((name) => `${file}: ${name}`)
  })
  expect(wrong).toEqual([])
})

it('loads the same modules, once', () => {
  const program = `
    import { PgTable } from 'drizzle-orm/pg-core'
    import { getTableName, is } from 'drizzle-orm'
    import { pgTable } from '${import.meta.resolve('drizzle-orm/pg-core')}'
    console.log(is(pgTable('notes', {}), PgTable), getTableName(pgTable('notes', {})))`
  const preload = new URL('quick-imports.ts', import.meta.url).href
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', preload, '--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  expect({ stdout, stderr }).toEqual({ stdout: 'true notes\n', stderr: '' })
})
