import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** One import of one file: `file` from the root of the tree, `specifier` as written. */
export interface Import {
  readonly file: string
  readonly line: number
  readonly specifier: string
}

export interface SourceFile {
  /** From the root of the tree, with `/`. */
  readonly path: string
  readonly text: string
}

const rooms = ['libs', 'services', 'cli', 'e2e', 'bench']
const skipped = new Set(['node_modules', 'migrations', 'dist'])

/** Every TypeScript file of the rooms, in a stable order. */
export function sourceFiles(root: string): SourceFile[] {
  const files = rooms.map((room) => join(root, room)).flatMap((folder) => (existsSync(folder) ? walk(folder) : []))
  return files.map((path) => ({ path: relative(root, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }))
}

function walk(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries
    .filter((entry) => !skipped.has(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return walk(path)
      return /\.tsx?$/.test(entry.name) ? [path] : []
    })
}

/**
 * The three forms that name a module: `… from 'x'`, `import 'x'`, `import('x')`. TypeScript 7 offers no parser to programs, and our
 * formatter leaves these forms no freedom that these patterns would miss.
 */
const forms = [
  /^(?:import|export)\b[^'"`;]*?\bfrom\s+['"]([^'"]+)['"]/gm,
  /^import\s+['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g,
]

export function importsOf({ path, text }: SourceFile): Import[] {
  const found = forms.flatMap((form) => [...text.matchAll(form)])
  return found.map((match) => ({ file: path, line: lineAt(text, match.index), specifier: match[1] ?? '' }))
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
