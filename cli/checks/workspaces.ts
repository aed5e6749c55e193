import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The part of a package.json that checks read. */
export interface PackageManifest {
  readonly name?: string
  readonly version?: string
  readonly license?: unknown
  readonly licenses?: unknown
  readonly workspaces?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export function readManifest(folder: string): PackageManifest | null {
  const file = join(folder, 'package.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as PackageManifest) : null
}

/** Name → folder (from the root) of every workspace that the root package declares. */
export function workspaceFolders(root: string): Map<string, string> {
  const patterns = readManifest(root)?.workspaces ?? []
  const files = globSync(
    patterns.map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  )
  const folders = files.map((file) => dirname(file).replaceAll('\\', '/')).sort()
  return new Map(folders.map((folder) => [readManifest(join(root, folder))?.name ?? folder, folder]))
}
