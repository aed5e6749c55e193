import { type AnyManifest, ManifestError } from './manifest.ts'

/** One line of the edge's route table: requests whose path starts with `prefix` go to the API of `service`. */
export interface EdgeRoute {
  readonly prefix: string
  readonly service: string
}

/**
 * The route table that the edge of every installation uses: the development proxy, nginx, Ingress and HTTPRoute. It follows from
 * the manifests, longest prefix first; internal routes are never in it.
 * @throws {ManifestError} when two services claim the same prefix
 */
export function routeTable(manifests: readonly AnyManifest[]): EdgeRoute[] {
  const owners = new Map<string, string>()
  const faults: string[] = []
  for (const manifest of manifests) {
    for (const prefix of prefixes(manifest)) {
      const owner = owners.get(prefix)
      if (owner) faults.push(`services ${owner} and ${manifest.name} both claim ${prefix}`)
      owners.set(prefix, manifest.name)
    }
  }
  if (faults.length > 0) throw new ManifestError(faults)
  const table = [...owners].map(([prefix, service]) => ({ prefix, service }))
  return table.sort((a, b) => b.prefix.length - a.prefix.length || (a.prefix < b.prefix ? -1 : 1))
}

function prefixes(manifest: AnyManifest): Set<string> {
  const open = manifest.routes.filter((route) => !route.internal)
  return new Set([`/api/v1/${manifest.name}`, ...open.map((route) => prefixOf(route.path))])
}

/** `/api/v1/folders/{id}` → `/api/v1/folders`; `/.well-known/jwks.json` stays whole. */
function prefixOf(path: string): string {
  const segments = path.split('/').slice(1)
  return `/${(segments[0] === 'api' ? segments.slice(0, 3) : segments).join('/')}`
}

/** The service that a path belongs to; a prefix ends at a segment's end, so `/api/v1/filesystem` is not under `/api/v1/files`. */
export function findRoute(table: readonly EdgeRoute[], path: string): EdgeRoute | undefined {
  return table.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
}
