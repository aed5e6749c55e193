import { posix } from 'node:path'
import { type Import, importsOf, lineAt, type SourceFile } from './imports.ts'

/** A broken rule, with the place and the reason why the rule is there. */
export interface Violation {
  readonly file: string
  readonly line: number
  readonly message: string
}

interface ImportRule {
  /** What is wrong with this import, or undefined when the rule has nothing against it. */
  (found: Import, target: Target): string | undefined
}

/** Where an import leads: a workspace of ours (`libs/http`), or a package of others. */
interface Target {
  readonly workspace: string | undefined
  readonly own: string
}

const serviceFolders = 'services/'
const testFile = /\.(test|fixtures)\.ts$/

/** DESIGN §1, and what keeps one lib the only door to something. */
const importRules: readonly ImportRule[] = [
  ({ file }, { workspace }) =>
    file.startsWith('libs/') && workspace !== undefined && !workspace.startsWith('libs/')
      ? `a library may not import ${workspace}: services use libraries, never the reverse`
      : undefined,
  ({ file }, { workspace, own }) =>
    file.startsWith(serviceFolders) && workspace !== undefined && !workspace.startsWith('libs/') && workspace !== own
      ? `a service may not import ${workspace}: services meet through HTTP contracts and events`
      : undefined,
  ({ file, specifier }, { workspace, own }) =>
    file.startsWith('e2e/') && workspace !== own && !/^(node:|vitest$)/.test(specifier)
      ? `black-box tests import no source and no client library, but this imports ${specifier}`
      : undefined,
  ({ specifier }, { workspace, own }) =>
    specifier.startsWith('.') && workspace !== own ? `a relative import may not leave ${own}: import the package by its name` : undefined,
  ({ file, specifier }, { own }) =>
    /^@(aws-sdk|smithy)\//.test(specifier) && specifier !== '@aws-sdk/rds-signer' && own !== 'libs/storage' && !testFile.test(file)
      ? 'only libs/storage may speak S3: whatever is readable went through its scan gate'
      : undefined,
  ({ file, specifier }, { own }) =>
    specifier === '@slipway/storage/backup' && own !== 'libs/backup' && !testFile.test(file)
      ? 'only libs/backup may write objects past the scan gate, and only copies of what had passed it'
      : undefined,
  ({ specifier }, { own }) =>
    specifier.startsWith('@opentelemetry/') && specifier !== '@opentelemetry/api' && own !== 'libs/telemetry'
      ? 'only libs/telemetry may use OpenTelemetry packages other than the API: one copy, set up before everything else'
      : undefined,
  ({ file, specifier }, { own }) =>
    specifier.startsWith('@slipway/testing') && own !== 'libs/testing' && !testFile.test(file)
      ? 'only tests may import @slipway/testing'
      : undefined,
  ({ specifier }, { own }) =>
    /^(node:)?process$/.test(specifier) && own !== 'libs/config'
      ? 'only libs/config may read the environment: take values as parameters'
      : undefined,
]

interface TextRule {
  readonly pattern: RegExp
  readonly applies: (path: string) => boolean
  readonly message: string
}

const entryPoints = /^(cli\/main\.ts|services\/[^/]+\/(api|worker)\.ts|libs\/service\/(serve|work|host|run|entry)[^/]*\.ts)$/

const textRules: readonly TextRule[] = [
  {
    pattern: /\bprocess\.exit\(/g,
    applies: (path) => !testFile.test(path) && !entryPoints.test(path),
    message: 'only entry points end the process: throw, or return to them',
  },
  {
    pattern: /\.listen\(/g,
    applies: (path) => path.startsWith(serviceFolders) && !testFile.test(path) && !entryPoints.test(path),
    message: 'only entry points listen: build without listening, so that tests can run it in-process',
  },
]

/** Checks the directions of dependencies and the doors of the tree. `workspaces`: package name → folder. */
export function structureViolations(files: readonly SourceFile[], workspaces: ReadonlyMap<string, string>): Violation[] {
  const folders = [...workspaces.values()]
  return files.flatMap((file) => {
    const own = folders.find((folder) => file.path.startsWith(`${folder}/`)) ?? posix.dirname(file.path)
    const imports = importsOf(file).flatMap((found) => importViolations(found, { own, workspace: leadsTo(found, workspaces) }))
    return [...imports, ...textViolations(file)].sort((a, b) => a.line - b.line)
  })
}

function importViolations(found: Import, target: Target): Violation[] {
  return importRules.flatMap((rule) => {
    const message = rule(found, target)
    return message === undefined ? [] : [{ file: found.file, line: found.line, message }]
  })
}

function textViolations(file: SourceFile): Violation[] {
  const rules = textRules.filter((rule) => rule.applies(file.path))
  return rules.flatMap(({ pattern, message }) =>
    [...file.text.matchAll(pattern)].map((match) => ({ file: file.path, line: lineAt(file.text, match.index), message })),
  )
}

function leadsTo({ file, specifier }: Import, workspaces: ReadonlyMap<string, string>): string | undefined {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(file), specifier)
    return [...workspaces.values()].find((folder) => path.startsWith(`${folder}/`))
  }
  const name = specifier.split('/').slice(0, 2).join('/')
  return workspaces.get(name)
}

export function renderViolations(violations: readonly Violation[]): string {
  return violations.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n')
}
