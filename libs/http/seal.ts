import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { IdempotencyScope } from './idempotency.ts'

/**
 * Answers may hold what is shown once (an API key, a token). Whoever reads the table, or a backup of it, gets nothing from a row: only
 * the client has the key that it chose, and both the row's name and the cipher's key are derived from that.
 */
export interface Seal {
  readonly keyId: Buffer
  close(text: string): Buffer
  /** Throws when the row was tampered with. */
  open(sealed: Buffer): string
}

const cipher = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

export function sealFor({ key, tenantId, principal, method, route }: IdempotencyScope): Seal {
  const salt = JSON.stringify([tenantId, principal, method, route])
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, salt, purpose, 32))
  return {
    keyId: derive('slipway idempotency key id'),
    close: (text) => {
      const iv = randomBytes(ivBytes)
      const encryption = createCipheriv(cipher, derive('slipway idempotency answer'), iv)
      const body = Buffer.concat([encryption.update(text, 'utf8'), encryption.final()])
      return Buffer.concat([iv, encryption.getAuthTag(), body])
    },
    open: (sealed) => {
      const decryption = createDecipheriv(cipher, derive('slipway idempotency answer'), sealed.subarray(0, ivBytes))
      decryption.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes))
      return decryption.update(sealed.subarray(ivBytes + tagBytes), undefined, 'utf8') + decryption.final('utf8')
    },
  }
}
