import { isBytes } from './bytes.ts'
import type { Contract } from './contract.ts'

/**
 * Anonymous callers cannot be told apart, so one could read the answer of another: they get no keys. Neither do plain bytes, which are
 * gone once they were compared.
 */
export function takesKey({ method, auth, body, idempotent }: Contract): boolean {
  return method !== 'GET' && auth !== 'none' && idempotent !== false && !isBytes(body)
}
