import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * What an image needs of the package manifests, as a folder of its own: production dependencies of every service, of the command and of
 * the libraries that these use. npm installs the development dependencies of workspaces too, whatever is asked; and a layer that is made
 * of this folder is made again only when a dependency changed. `node docker/manifests.ts OUT`
 *
 * With the name of a workspace, only what it takes to build that one: its own development dependencies too.
 * `node docker/manifests.ts OUT @slipway/console`
 */
interface Manifest {
  name: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: unknown
  scripts?: unknown
  workspaces?: string[]
}

/** Served to browsers as the one file that it is built into: what that file is made of stays out. */
const bundles = ['@scalar/api-reference']

/** Development dependencies for tests, which no build needs. */
const ofTests = ['axe-core', 'playwright-core']

const [out = 'manifests', built] = process.argv.slice(2)
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
  const { devDependencies = {}, dependencies: used = {}, ...manifest } = read(folder)
  const dependencies = manifest.name === built ? { ...used, ...withoutTests(devDependencies) } : used
  const kept = Object.entries(dependencies).filter(([name]) => !bundles.includes(name))
  fetched.push(...bundles.filter((name) => name in dependencies).map((name) => `${name}@${dependencies[name]}`))
  write(folder, { ...manifest, dependencies: Object.fromEntries(kept) })
  for (const name of Object.keys(dependencies)) {
    const workspace = folders.get(name)
    if (workspace !== undefined) take(workspace)
  }
}

function withoutTests(dependencies: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => !ofTests.includes(name)))
}

function write(folder: string, manifest: Manifest): void {
  const file = join(out, folder, 'package.json')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
}

/** A workspace that has been asked for, or every one that is run. */
function wanted(): string[] {
  if (built === undefined)
    return [...folders.values()].filter(
      (folder) => folder === 'cli' || ['api.ts', 'worker.ts'].some((name) => existsSync(join(folder, name))),
    )
  const folder = folders.get(built)
  if (folder === undefined) throw new Error(`there is no workspace ${built}: give one of ${[...folders.keys()].join(', ')}`)
  return [folder]
}

for (const folder of wanted()) take(folder)
const { devDependencies: _, optionalDependencies: __, scripts: ___, ...root } = read('.')
write('.', { ...root, workspaces: [...needed].sort() })
for (const file of ['package-lock.json', '.npmrc']) cpSync(file, join(out, file))
writeFileSync(join(out, 'bundles.txt'), `${fetched.sort().join('\n')}\n`)
