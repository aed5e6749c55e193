import { describe, expect, test } from 'vitest'
import { checkout } from '../home.ts'
import { importsOf, sourceFiles } from './imports.ts'
import { renderViolations, structureViolations } from './structure.ts'
import { workspaceFolders } from './workspaces.ts'

const workspaces = new Map([
  ['@slipway/http', 'libs/http'],
  ['@slipway/storage', 'libs/storage'],
  ['@slipway/telemetry', 'libs/telemetry'],
  ['@slipway/testing', 'libs/testing'],
  ['@slipway/config', 'libs/config'],
  ['@slipway/files', 'services/files'],
  ['@slipway/identity', 'services/identity'],
  ['@slipway/cli', 'cli'],
  ['@slipway/e2e', 'e2e'],
])

function messages(path: string, text: string): string[] {
  return structureViolations([{ path, text }], workspaces).map((violation) => violation.message)
}

describe('importsOf', () => {
  const specifiers = (text: string) => importsOf({ path: 'a.ts', text }).map((found) => found.specifier)

  test('sees every form that names a module', () => {
    const text = [
      "import { a } from 'one'",
      "import type { B } from 'two'",
      "import 'three'",
      "export { c } from 'four'",
      "export * from 'five'",
      "const six = () => import('six')",
      "import {\n  d,\n  e,\n} from 'seven'",
      "const eight = createRequire(import.meta.url)\nrequire('eight')",
    ].join('\n')
    expect(specifiers(text).toSorted()).toEqual(['eight', 'five', 'four', 'one', 'seven', 'six', 'three', 'two'])
  })

  test('does not take words in strings and comments for imports', () => {
    expect(specifiers("// stream from 'x'\nconst text = \"import a from 'y'\"\n * import { z } from 'z'")).toEqual([])
  })

  test('tells the line', () => {
    expect(importsOf({ path: 'a.ts', text: "\n\nimport { a } from 'one'\n" })[0]?.line).toBe(3)
  })
})

describe('refused', () => {
  test.each([
    ['libs/http/a.ts', "import { x } from '@slipway/files'", 'a library may not import services/files'],
    ['libs/http/a.ts', "import { x } from '@slipway/cli'", 'a library may not import cli'],
    ['libs/http/a.ts', "import { x } from '../storage/b.ts'", 'a relative import may not leave libs/http'],
    ['libs/http/a.test.ts', "import { x } from '@slipway/files'", 'a library may not import services/files'],
    ['services/files/a.ts', "import { x } from '@slipway/identity'", 'a service may not import services/identity'],
    ['services/files/a.ts', "const x = await import('@slipway/identity')", 'a service may not import services/identity'],
    ['services/files/a.ts', "import { x } from '@slipway/cli'", 'a service may not import cli'],
    ['services/files/routes/a.ts', "import { x } from '../../../libs/http/b.ts'", 'a relative import may not leave services/files'],
    ['e2e/a.test.ts', "import { x } from '@slipway/http'", 'black-box tests import no source'],
    ['e2e/a.test.ts', "import { x } from 'undici'", 'black-box tests import no source and no client library'],
    ['services/files/a.ts', "import { S3Client } from '@aws-sdk/client-s3'", 'only libs/storage may speak S3'],
    ['services/files/a.ts', "import { x } from '@smithy/node-http-handler'", 'only libs/storage may speak S3'],
    ['services/files/a.ts', "import { bringBack } from '@slipway/storage/backup'", 'only libs/backup may write objects past the scan gate'],
    ['cli/a.ts', "import { openVault } from '@slipway/storage/backup'", 'only libs/backup may write objects past the scan gate'],
    ['libs/http/a.ts', "import { NodeSDK } from '@opentelemetry/sdk-node'", 'only libs/telemetry may use OpenTelemetry'],
    ['services/files/a.ts', "import { eicar } from '@slipway/testing'", 'only tests may import @slipway/testing'],
    ['libs/http/a.ts', "import { env } from 'node:process'", 'only libs/config may read the environment'],
    ['libs/http/a.ts', 'process.exit(1)', 'only entry points end the process'],
    ['services/files/domain/a.ts', 'app.listen(80)', 'only entry points listen'],
  ])('%s: %s', (path, text, message) => {
    expect(messages(path, text)).toEqual([expect.stringContaining(message)])
  })
})

describe('allowed', () => {
  test.each([
    ['libs/http/a.ts', "import { x } from '@slipway/storage'"],
    ['services/files/a.ts', "import { x } from '@slipway/http'"],
    ['services/files/routes/a.ts', "import { x } from '../domain/b.ts'"],
    ['services/files/a.test.ts', "import { service } from '@slipway/files'"],
    ['services/files/a.test.ts', "import { eicar } from '@slipway/testing'"],
    ['services/files/a.fixtures.ts', "import { eicar } from '@slipway/testing'"],
    ['cli/a.ts', "import { files } from '@slipway/files'"],
    ['e2e/a.test.ts', "import { x } from './environment.ts'\nimport { test } from 'vitest'\nimport { gzipSync } from 'node:zlib'"],
    ['libs/storage/a.ts', "import { S3Client } from '@aws-sdk/client-s3'"],
    ['libs/backup/a.ts', "import { bringBack } from '@slipway/storage/backup'"],
    ['libs/http/a.ts', "import { trace } from '@opentelemetry/api'"],
    ['libs/telemetry/a.ts', "import { NodeSDK } from '@opentelemetry/sdk-node'"],
    ['services/files/api.ts', 'process.exit(1)'],
    ['services/files/a.test.ts', 'server.listen(0)'],
  ])('%s: %s', (path, text) => {
    expect(messages(path, text)).toEqual([])
  })
})

test('a violation is told with its place', () => {
  const violations = structureViolations([{ path: 'libs/http/a.ts', text: "\nimport '@slipway/files'\n" }], workspaces)
  expect(renderViolations(violations)).toMatch(/^libs\/http\/a\.ts:2: a library may not import/)
})

test('this tree keeps its own rules', () => {
  const files = sourceFiles(checkout)
  expect(files.length).toBeGreaterThan(20)
  expect(renderViolations(structureViolations(files, workspaceFolders(checkout)))).toBe('')
})
