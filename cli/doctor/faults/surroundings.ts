import type { Fault } from './fault.ts'

export const surroundingsFaults = {
  'identity.unreachable': {
    level: 'fail',
    title: 'identity does not answer at its internal address',
    why: 'no service can check who calls: all answer 503',
    fix: 'see that the API of identity runs, and that {SLIPWAY_IDENTITY_URL} is its internal listener (port 8081)',
  },
  'identity.credential': {
    level: 'fail',
    title: 'identity does not take the credential',
    why: 'no service can check who calls: all answer 503',
    fix: 'let {SLIPWAY_SERVICE_CALLERS} of identity list the hash of {SLIPWAY_SERVICE_CREDENTIAL}',
  },
  'identity.keys': {
    level: 'fail',
    title: 'missing JWKS: what answers there has no keys for tokens',
    why: 'no token can be checked: everybody is signed out',
    fix: 'set {SLIPWAY_IDENTITY_URL} to the internal listener of identity (port 8081), and see its log',
  },
  'public-url.unreachable': {
    level: 'warn',
    title: 'nothing answers at the public URL, seen from here',
    why: 'unless only this place cannot reach it, clients cannot either',
    fix: 'see that {SLIPWAY_PUBLIC_URL} is what clients type, and that the edge serves it',
  },
  'public-url.wrong': {
    level: 'fail',
    title: 'wrong public URL: another program answers there',
    why: 'tokens and links name an address that is not ours',
    fix: 'set {SLIPWAY_PUBLIC_URL} to the address of the edge, without a path',
  },
  'collector.unreachable': {
    level: 'warn',
    title: 'the collector does not answer',
    why: 'traces and metrics are dropped; nothing else suffers',
    fix: 'see that the collector runs, and that {OTEL_EXPORTER_OTLP_ENDPOINT} is its OTLP/HTTP receiver (port 4318)',
  },
  'collector.conflict': {
    level: 'warn',
    title: 'something that is no OTLP receiver has the port of the collector (sidecar port conflict)',
    why: 'traces and metrics are dropped, and the collector cannot start there',
    fix: 'give the collector a port of its own, and set {OTEL_EXPORTER_OTLP_ENDPOINT} to its OTLP/HTTP receiver, not the one of gRPC',
  },
} as const satisfies Record<string, Fault>
