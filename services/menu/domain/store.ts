import { Readable } from 'node:stream'
import { problem } from '@slipway/problem'
import type { Clean, ObjectRef, ScanGate } from '@slipway/storage'

interface OwnBytes {
  readonly bytes: Uint8Array
  readonly target: ObjectRef
  readonly tenantId: string
  readonly signal: AbortSignal
}

/**
 * Takes bytes that we have made ourselves through the scan gate, as all bytes go.
 * @throws file.infected, file.unscannable – what a photo hides may survive into what is made of it –, scanner.unavailable
 */
export async function acceptOwn(gate: ScanGate, { bytes, target, tenantId, signal }: OwnBytes): Promise<Clean> {
  const accepted = await gate.accept(Readable.from([Buffer.from(bytes)]), { ...target, maxBytes: bytes.byteLength, tenantId, signal })
  if (accepted.promote) return accepted
  await gate.discard(accepted.quarantine).catch(() => undefined)
  const { verdict, signature, reason } = accepted.verdict
  if (verdict === 'error') throw problem('scanner.unavailable', { detail: 'the scanner gave no verdict' })
  throw problem(verdict === 'infected' ? 'file.infected' : 'file.unscannable', { detail: signature ?? reason ?? verdict })
}
