import type { Contract } from './contract.ts'

/** Anonymous callers cannot be told apart, so one could read the answer of another: they get no keys. */
export function takesKey({ method, auth, idempotent }: Contract): boolean {
  return method !== 'GET' && auth !== 'none' && idempotent !== false
}
