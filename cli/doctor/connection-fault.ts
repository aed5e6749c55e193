import { ConfigError } from '@slipway/config'
import { toFailure } from '../failure.ts'
import { fault, type Outcome, type Part } from './checks.ts'
import type { FaultId } from './faults.ts'

type Kind = 'certificate' | 'tls' | 'password' | 'database' | 'unreachable'

const certificateCodes =
  /^(CERT_|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)|ERR_TLS_CERT_ALTNAME_INVALID|ERR_OSSL_PEM|HOSTNAME_MISMATCH)/
const tlsCodes = /^(EPROTO$|ERR_SSL_)/
const networkCodes =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_.*|08\d{3}|53\d{3}|57P0[1-3])$/

/** What Node, the drivers and the servers say, each in its own way. The first that fits, over the error and all its causes. */
const tests: readonly { readonly kind: Kind; readonly fits: (error: CodedError) => boolean }[] = [
  // Certificates are the only files that a check of a connection opens.
  { kind: 'certificate', fits: ({ code, syscall, path }) => certificateCodes.test(code) || (syscall === 'open' && path !== undefined) },
  // Postgres refuses who comes without TLS where it wants it by SQLSTATE 28000.
  {
    kind: 'tls',
    fits: ({ code, message }) =>
      tlsCodes.test(code) || /does not support SSL|no encryption$|WRONG_VERSION_NUMBER|packet length too long/.test(message),
  },
  { kind: 'password', fits: ({ code, message }) => /^28(P01|000)$/.test(code) || /^(WRONGPASS|NOAUTH|NOPERM)\b/.test(message) },
  { kind: 'database', fits: ({ code }) => code === '3D000' },
  {
    kind: 'unreachable',
    fits: ({ code, name, message }) =>
      networkCodes.test(code) ||
      /^(TimeoutError|StoreSilent)$/.test(name) ||
      /^(Connection (terminated|is closed)|Command timed out|timeout exceeded|no answer within)/.test(message),
  },
]

interface CodedError {
  readonly name: string
  readonly message: string
  readonly code: string
  readonly syscall: unknown
  readonly path: unknown
}

/** What kept a check from its end, by name where the way to its part is at fault. */
export function connectionFault(error: unknown, part: Part | undefined): Outcome {
  if (error instanceof ConfigError) return fault('configuration.invalid', error.faults.join('; '))
  const { message, fix } = toFailure(error)
  const errors = chain(error).map(coded)
  const kind = tests.find(({ fits }) => errors.some(fits))?.kind
  const id = part && kind && idOf[part][kind]
  if (id) return fault(id, deepest(errors))
  const reasons = [...new Set([message, ...errors.map((cause) => cause.message)])].filter((reason) => reason !== '')
  return fault('check.failed', reasons.join(': '), fix === undefined ? {} : { fix })
}

const idOf: Readonly<Record<Part, Partial<Record<Kind, FaultId>>>> = {
  postgres: {
    certificate: 'postgres.certificate',
    tls: 'postgres.tls',
    password: 'postgres.password',
    database: 'postgres.database',
    unreachable: 'postgres.unreachable',
  },
  redis: { certificate: 'redis.certificate', tls: 'redis.tls', password: 'redis.password', unreachable: 'redis.unreachable' },
  storage: { certificate: 'storage.certificate', tls: 'storage.tls', unreachable: 'storage.unreachable' },
  clamd: { unreachable: 'clamd.unreachable' },
  identity: { certificate: 'identity.unreachable', tls: 'identity.unreachable', unreachable: 'identity.unreachable' },
}

/** The error, its causes and what it gathers (a name with several addresses), outermost first. */
function chain(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 10) return []
  const gathered = error instanceof AggregateError ? error.errors : []
  return [error, ...gathered.flatMap((one) => chain(one, depth + 1)), ...chain(error.cause, depth + 1)]
}

function coded(error: Error): CodedError {
  const { code, syscall, path } = error as NodeJS.ErrnoException
  return { name: error.name, message: error.message, code: typeof code === 'string' ? code : '', syscall, path }
}

/** Problems that clients may see say little; what they were made of says it all. */
function deepest(errors: readonly CodedError[]): string {
  return errors.findLast(({ message }) => message !== '')?.message ?? errors.at(-1)?.code ?? 'it failed without a word'
}
