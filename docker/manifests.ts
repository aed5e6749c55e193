import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * What an image needs of the package manifests, as a folder of its own: production dependencies of every service, of the command and of
 * the libraries that these use. npm installs the development dependencies of workspaces too, whatever is asked; and a layer that is made
 * of this folder is made again only when a dependency changed. `node docker/manifests.ts OUT`
 */
interface Manifest {
  name: string
  dependencies?: Record<string, string>
  devDependencies?: unknown
  optionalDependencies?: unknown
  scripts?: unknown
  workspaces?: string[]
}

/** Served to browsers as the one file that it is built into: what that file is made of stays out. */
const bundles = ['@scalar/api-reference']

const [out = 'manifests'] = process.argv.slice(2)
const read = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
const folders = new Map(
  [...readdirSync('libs').map((name) => `libs/${name}`), ...readdirSync('services').map((name) => `services/${name}`), 'cli'].map(
    (folder) => [read(folder).name, folder],
  ),
)
const needed = new Set<string>()
const fetched: string[] = []

function take(folder: string): void {
  if (needed.has(folder)) return
  needed.add(folder)
  const { devDependencies: _, dependencies = {}, ...manifest } = read(folder)
  const kept = Object.entries(dependencies).filter(([name]) => !bundles.includes(name))
  fetched.push(...bundles.filter((name) => name in dependencies).map((name) => `${name}@${dependencies[name]}`))
  write(folder, { ...manifest, dependencies: Object.fromEntries(kept) })
  for (const name of Object.keys(dependencies)) {
    const workspace = folders.get(name)
    if (workspace !== undefined) take(workspace)
  }
}

function write(folder: string, manifest: Manifest): void {
  const file = join(out, folder, 'package.json')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
}

for (const folder of folders.values()) if (existsSync(join(folder, 'api.ts')) || existsSync(join(folder, 'worker.ts'))) take(folder)
take('cli')
const { devDependencies: _, optionalDependencies: __, scripts: ___, ...root } = read('.')
write('.', { ...root, workspaces: [...needed].sort() })
for (const file of ['package-lock.json', '.npmrc']) cpSync(file, join(out, file))
writeFileSync(join(out, 'bundles.txt'), `${fetched.sort().join('\n')}\n`)
