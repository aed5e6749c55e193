import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeHome } from '@slipway/stack'

/** A folder for stores that goes away with the stack. */
export async function openHome(stack: AsyncDisposableStack): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  stack.defer(() => removeHome(home))
  return home
}
