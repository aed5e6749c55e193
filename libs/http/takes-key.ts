import { isBytes } from './bytes.ts'
import type { Contract } from './contract.ts'

/**
 * Anonymous callers cannot be told apart, so one could read the answer of another: they get no keys. Neither do plain bytes, unless the
 * route says so: then a digest is taken of them as they pass.
 */
export function takesKey({ method, auth, body, idempotent }: Contract): boolean {
  return method !== 'GET' && auth !== 'none' && (idempotent ?? !isBytes(body))
}
