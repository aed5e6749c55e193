import { join } from 'node:path'
import { type PackageManifest, readManifest, workspaceFolders } from './workspaces.ts'

/** Licences (SPDX identifiers) that allow use in a product under Apache-2.0 without further duties than naming the authors. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'Zlib',
])

/** Shared libraries that are loaded as they are, which their licence allows: whoever wants to may put another build in their place. */
const loaded: readonly { readonly prefix: string; readonly licence: string }[] = [
  { prefix: '@img/sharp-libvips-', licence: 'LGPL-3.0-or-later' },
]

export interface LicenceFault {
  readonly name: string
  readonly licence: string
  /** How it came in: from our package to the one that asks for it. */
  readonly path: readonly string[]
}

/** Packages that production code brings along and whose licence is not on the list. Development dependencies do not count. */
export function licenceFaults(root: string): { checked: number; faults: LicenceFault[] } {
  const shipped = [...workspaceFolders(root).values()].filter((folder) => folder.startsWith('services/') || folder === 'cli')
  const walk: Walk = { root, seen: new Set(), faults: [] }
  for (const folder of shipped) visitDependencies(walk, { folder, path: [folder] })
  return { checked: walk.seen.size, faults: walk.faults }
}

interface Walk {
  readonly root: string
  readonly seen: Set<string>
  readonly faults: LicenceFault[]
}

interface Place {
  /** From the root. */
  readonly folder: string
  readonly path: readonly string[]
}

function visitDependencies(walk: Walk, { folder, path }: Place): void {
  const names = requiredNames(readManifest(join(walk.root, folder)))
  for (const name of names) {
    const found = resolvePackage(walk.root, folder, name)
    if (!found || walk.seen.has(found.folder)) continue
    walk.seen.add(found.folder)
    const place = { folder: found.folder, path: [...path, name] }
    const licence = licenceOf(found.manifest)
    const isLoaded = loaded.some((library) => name.startsWith(library.prefix) && licence === library.licence)
    if (!isAllowed(licence) && !isLoaded) walk.faults.push({ name: `${name}@${found.manifest.version}`, licence, path: place.path })
    visitDependencies(walk, place)
  }
}

/** An optional peer is somebody else's choice: it counts when another path leads to it. */
function requiredNames(manifest: PackageManifest | null): string[] {
  const peers = Object.keys(manifest?.peerDependencies ?? {})
  const required = peers.filter((name) => manifest?.peerDependenciesMeta?.[name]?.optional !== true)
  return [...new Set([...Object.keys({ ...manifest?.dependencies, ...manifest?.optionalDependencies }), ...required])]
}

/** As Node looks a package up: in the nearest node_modules above. Undefined: not installed (optional, or for another system). */
function resolvePackage(root: string, from: string, name: string): { folder: string; manifest: PackageManifest } | undefined {
  const segments = from.split('/')
  for (let depth = segments.length; depth >= 0; depth--) {
    const folder = [...segments.slice(0, depth), 'node_modules', name].join('/')
    const manifest = readManifest(join(root, folder))
    if (manifest) return { folder, manifest }
  }
  return undefined
}

/** Old packages write an object or a list of objects. */
function licenceOf({ license, licenses }: PackageManifest): string {
  if (typeof license === 'string') return license
  const named = [license, licenses].flat().flatMap((entry) => (isTyped(entry) ? [entry.type] : []))
  return named.length > 0 ? `(${named.join(' OR ')})` : 'none stated'
}

function isTyped(entry: unknown): entry is { type: string } {
  return typeof entry === 'object' && entry !== null && 'type' in entry && typeof entry.type === 'string'
}

/** SPDX expressions: of `A OR B` one suffices, of `A AND B` all count. Nesting beyond that is refused, for a person to look at. */
export function isAllowed(expression: string): boolean {
  const bare = expression.trim().replace(/^\((.*)\)$/, '$1')
  if (/[()]/.test(bare)) return false
  return bare.split(/ OR /i).some((choice) => choice.split(/ AND /i).every((part) => allowed.has(part.trim())))
}

export function renderLicenceFaults(faults: readonly LicenceFault[]): string {
  return faults.map(({ name, licence, path }) => `${name}: licence "${licence}" is not on the list (by ${path.join(' → ')})`).join('\n')
}
