import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { removeHome } from '@slipway/stack'
import { runFolder } from './run-folder.ts'

const run = promisify(execFile)

/** A certificate for 127.0.0.1 and localhost with its key, both PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** A certificate authority that only this test trusts. */
export interface TestAuthority extends AsyncDisposable {
  readonly caFile: string
  issue(validity: { days: number }): Promise<TestCertificate>
}

export async function testAuthority(): Promise<TestAuthority> {
  const folder = await runFolder()
  const at = (name: string) => join(folder, name)
  const make = (name: string, ...more: readonly string[]) =>
    run('openssl', [...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' '), ...files(at(name)), ...more])
  await make('authority', '-subj', '/CN=authority', '-days', '3650')
  const signed = ['-CA', at('authority.crt'), '-CAkey', at('authority.key'), '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  return {
    caFile: at('authority.crt'),
    issue: async ({ days }) => {
      await make('server', '-subj', '/CN=server', '-days', String(days), ...signed)
      const [cert, key] = await Promise.all([readFile(at('server.crt'), 'utf8'), readFile(at('server.key'), 'utf8')])
      return { cert, key }
    },
    [Symbol.asyncDispose]: () => removeHome(folder),
  }
}

function files(path: string): string[] {
  return ['-keyout', `${path}.key`, '-out', `${path}.crt`]
}
