import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

/**
 * JSON schemas of the kinds that the chart renders, and of skaffold.yaml, as kubeconform reads them.
 * `node helm/tests/schemas.ts CRD.yaml… SKAFFOLD.schema.json` writes `schemas.json` anew from the API server that kubectl talks to, from
 * the CRDs in the files and from the schema that Skaffold publishes: structure only, closed everywhere.
 */
export interface Schemas {
  readonly kinds: readonly Kind[]
  readonly definitions: Readonly<Record<string, Schema>>
}

interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Name among the definitions. */
  readonly definition: string
}

interface Schema {
  readonly [keyword: string]: unknown
}

const file = fileURLToPath(new URL('schemas.json', import.meta.url))

export const schemas = (): Schemas => JSON.parse(readFileSync(file, 'utf8')) as Schemas

/** One file for each kind, named as `{{ .Group }}-{{ .ResourceAPIVersion }}-{{ .ResourceKind }}.json` of kubeconform. */
export function writeSchemas(folder: string): void {
  const { kinds, definitions } = schemas()
  for (const { group, version, kind, definition } of kinds) {
    const content = { $ref: `#/definitions/${definition}`, definitions }
    writeFileSync(join(folder, `${group || version}-${version}-${kind.toLowerCase()}.json`), JSON.stringify(content))
  }
}

/** What has to be understood of each path of the API server. */
const builtIn: Readonly<Record<string, readonly string[]>> = {
  'api/v1': ['ConfigMap', 'PersistentVolumeClaim', 'Pod', 'Secret', 'Service', 'ServiceAccount'],
  'apis/apps/v1': ['Deployment', 'StatefulSet'],
  'apis/autoscaling/v2': ['HorizontalPodAutoscaler'],
  'apis/batch/v1': ['CronJob', 'Job'],
  'apis/networking.k8s.io/v1': ['Ingress', 'NetworkPolicy'],
  'apis/policy/v1': ['PodDisruptionBudget'],
  'apis/rbac.authorization.k8s.io/v1': ['Role', 'RoleBinding'],
  'apis/scheduling.k8s.io/v1': ['PriorityClass'],
}

const kept = [
  'type',
  'required',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
]

/** A schema of Kubernetes without its words, and closed: what is not named is a mistake in a template. */
function slim(schema: Schema): Schema {
  const { properties, items, additionalProperties, $ref, nullable } = schema as {
    properties?: Record<string, Schema>
    items?: Schema
    additionalProperties?: Schema | boolean
    $ref?: string
    nullable?: boolean
  }
  if ($ref !== undefined) return { $ref: $ref.replace('#/components/schemas/', '#/definitions/') }
  const open = additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true
  return {
    ...Object.fromEntries(kept.flatMap((keyword) => (keyword in schema ? [[keyword, schema[keyword]]] : []))),
    ...(nullable === true && typeof schema['type'] === 'string' ? { type: [schema['type'], 'null'] } : {}),
    ...Object.fromEntries(
      ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) =>
        Array.isArray(schema[keyword]) ? [[keyword, (schema[keyword] as Schema[]).map(slim)]] : [],
      ),
    ),
    ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, slim(value)])) } : {}),
    ...(items ? { items: slim(items) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: slim(additionalProperties) } : {}),
    ...(additionalProperties === false ? { additionalProperties } : {}),
    ...(properties && schema['type'] === 'object' && !open ? { additionalProperties: false } : {}),
  }
}

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

function fromServer(path: string, kinds: readonly string[]): Schemas {
  const text = execFileSync('kubectl', ['get', '--raw', `/openapi/v3/${path}`], { encoding: 'utf8', maxBuffer: 1 << 26 })
  const { schemas: all } = (JSON.parse(text) as Document).components
  const found = kinds.map((kind) => {
    const is = (value: unknown) => Array.isArray(value) && value.some((entry) => entry.kind === kind && path.endsWith(entry.version))
    const definition = Object.keys(all).find((name) => name.endsWith(`.${kind}`) && is(all[name]?.['x-kubernetes-group-version-kind']))
    if (definition === undefined) throw new Error(`${path} has no ${kind}`)
    const [group = '', version = ''] = path.split('/').slice(-2)
    return { group: group === 'api' ? '' : group, version, kind, definition }
  })
  return { kinds: found, definitions: reachable(all, found) }
}

/** What the kinds are made of, and nothing else of their group. */
function reachable(all: Readonly<Record<string, Schema>>, kinds: readonly Kind[]): Record<string, Schema> {
  const definitions: Record<string, Schema> = {}
  const take = (name: string) => {
    if (name in definitions) return
    definitions[name] = slim(all[name] ?? {})
    for (const [, next = ''] of JSON.stringify(definitions[name]).matchAll(/#\/definitions\/([^"]+)/g)) take(next)
  }
  for (const { definition } of kinds) take(definition)
  return definitions
}

interface CustomResource {
  readonly kind: string
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly served: boolean; readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}

function fromFile(path: string): Schemas {
  const resources = parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as CustomResource | null)
  const versions = resources
    .filter((resource) => resource?.kind === 'CustomResourceDefinition')
    .flatMap((resource) => (resource ? resource.spec.versions.map((version) => ({ ...version, spec: resource.spec })) : []))
    .filter(({ served }) => served)
  const named = versions.map(({ name, spec, schema }) => {
    const definition = `${spec.group}.${name}.${spec.names.kind}`
    return { kind: { group: spec.group, version: name, kind: spec.names.kind, definition }, schema: opened(schema.openAPIV3Schema) }
  })
  return {
    kinds: named.map(({ kind }) => kind),
    definitions: Object.fromEntries(named.map(({ kind, schema }) => [kind.definition, slim(schema)])),
  }
}

/** CRDs say nothing of metadata, which is everybody's. */
function opened(schema: Schema): Schema {
  return { ...schema, properties: { ...(schema['properties'] as object), metadata: { type: 'object', additionalProperties: true } } }
}

/** The version stands in the name of the file, as Skaffold names it. */
function fromSkaffold(path: string): Schemas {
  const { definitions } = JSON.parse(readFileSync(path, 'utf8')) as { definitions: Record<string, Schema> }
  const prefixed = (schema: Schema) =>
    JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions/', '"#/definitions/skaffold.')) as Schema
  const version = /v\d+(?:beta\d+)?/.exec(path)?.[0] ?? ''
  return {
    kinds: [{ group: 'skaffold', version, kind: 'Config', definition: 'skaffold.SkaffoldConfig' }],
    definitions: Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [`skaffold.${name}`, prefixed(slim(schema))])),
  }
}

function make(paths: readonly string[]): Schemas {
  const parts = [
    ...Object.entries(builtIn).map(([path, kinds]) => fromServer(path, kinds)),
    ...paths.map((path) => (path.endsWith('.json') ? fromSkaffold(path) : fromFile(path))),
  ]
  return { kinds: parts.flatMap(({ kinds }) => kinds), definitions: Object.assign({}, ...parts.map(({ definitions }) => definitions)) }
}

if (import.meta.main) writeFileSync(file, `${JSON.stringify(make(process.argv.slice(2)))}\n`)
