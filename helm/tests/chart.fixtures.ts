import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processEnvironment } from '@slipway/config'
import { parse, parseAllDocuments } from 'yaml'

export const chart = fileURLToPath(new URL('../slipway', import.meta.url))

/** A Kubernetes object, as far as tests look at it. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  // oxlint-disable-next-line typescript/no-explicit-any -- as many shapes as kinds
  readonly spec: any
  readonly data?: Record<string, string>
}

export interface Variable {
  name: string
  value?: string
  valueFrom?: { secretKeyRef?: { name: string; key: string } }
}

export interface Container {
  name: string
  image: string
  args?: string[]
  env?: Variable[]
  resources?: { requests?: object; limits?: object }
  securityContext?: Record<string, unknown>
  volumeMounts?: { name: string; mountPath: string }[]
  restartPolicy?: string
  [probe: string]: unknown
}

export interface Pod {
  readonly owner: KubernetesObject
  readonly component: string
  readonly metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  readonly spec: any
  readonly containers: readonly Container[]
  /** The first one that is no init container. */
  readonly main: Container
}

/** Values that every rendering begins with. */
const least = fileURLToPath(new URL('least.yaml', import.meta.url))

/** @throws what helm says when it refuses the values */
export function renderText(values: object = {}, options: readonly string[] = []): string {
  return template('shop', [...options, '--namespace', 'apps', '--values', least, '--values', '-'], JSON.stringify(values))
}

function template(release: string, options: readonly string[], input?: string): string {
  try {
    return execFileSync('helm', ['template', release, chart, '--kube-version', '1.34', ...options], {
      input,
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...processEnvironment(), PATH: [processEnvironment()['PATH'], '/usr/local/bin'].join(delimiter) },
      maxBuffer: 1 << 26,
    })
  } catch (error) {
    throw new Error((error as { stderr?: string }).stderr ?? String(error), { cause: error })
  }
}

interface NamedRelease {
  readonly name?: string
  readonly namespace?: string
  /** As for `helm`. */
  readonly settings?: readonly string[]
}

/** With values files, from the root of the checkout. */
export function renderFiles(files: readonly string[], { name = 'shop', namespace = 'apps', settings = [] }: NamedRelease = {}) {
  const values = files.flatMap((file) => ['--values', file])
  return parsed(template(name, ['--namespace', namespace, ...values, ...settings]))
}

export const render = (values: object = {}, options: readonly string[] = []) => parsed(renderText(values, options))

function parsed(text: string): KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null)
}

/** The words of the refusal. */
export function refusal(values: object): string {
  try {
    renderText(values)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('helm took these values')
}

/** Every pod that the objects bring about, hooks and tests included. */
export function podsOf(objects: readonly KubernetesObject[]): Pod[] {
  return objects.flatMap((owner) => {
    const template = owner.kind === 'Pod' ? owner : owner.kind === 'CronJob' ? owner.spec.jobTemplate.spec.template : owner.spec?.template
    if (!template?.spec?.containers) return []
    const { metadata, spec } = template
    const containers = [...(spec.initContainers ?? []), ...spec.containers]
    return [{ owner, component: metadata.labels['app.kubernetes.io/component'], metadata, spec, containers, main: spec.containers[0] }]
  })
}

export const ofKind = (objects: readonly KubernetesObject[], kind: string) => objects.filter((object) => object.kind === kind)

/** The default values. */
// oxlint-disable-next-line typescript/no-explicit-any -- the schema says what they are
export function defaults(): any {
  return parse(readFileSync(`${chart}/values.yaml`, 'utf8'))
}
