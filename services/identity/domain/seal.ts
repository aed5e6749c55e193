import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** What cannot be opened: sealed for another purpose, changed, or with a key that is not configured any more. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/**
 * Encrypts secrets at rest with AES-256-GCM. `purpose` is bound to the result as associated data: what was sealed as the setting of
 * one tenant cannot be opened as that of another.
 */
export interface Sealer {
  seal(plain: string, purpose: string): Buffer
  /** @throws {SealError} */
  open(sealed: Buffer, purpose: string): string
  /** Whether it was sealed with another than the current key, so that a rotation can find what is left. */
  isStale(sealed: Buffer): boolean
}

const nonceBytes = 12
const tagBytes = 16

/**
 * Layout: length of the key id (1 byte), key id, nonce, tag, ciphertext.
 *
 * @param keys `<id>:<32 bytes in base64>` separated by commas; the first one seals, all of them open
 */
export function createSealer(keys: string): Sealer {
  const ring = parseKeys(keys)
  const current = [...ring.keys()][0] ?? ''
  return {
    seal: (plain, purpose) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', keyOf(ring, current), nonce).setAAD(Buffer.from(purpose))
      const encrypted = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.from([current.length]), Buffer.from(current), nonce, cipher.getAuthTag(), encrypted])
    },
    open: (sealed, purpose) => {
      const { id, rest } = split(sealed)
      const [nonce, tag, encrypted] = [rest.subarray(0, nonceBytes), rest.subarray(nonceBytes, nonceBytes + tagBytes), rest.subarray(28)]
      try {
        const decipher = createDecipheriv('aes-256-gcm', keyOf(ring, id), nonce, { authTagLength: tagBytes })
        decipher.setAAD(Buffer.from(purpose)).setAuthTag(tag)
        return decipher.update(encrypted, undefined, 'utf8') + decipher.final('utf8')
      } catch (cause) {
        throw new SealError(`a secret sealed with key "${id}" cannot be opened: is the key still in IDENTITY_ENCRYPTION_KEY?`, { cause })
      }
    },
    isStale: (sealed) => split(sealed).id !== current,
  }
}

function split(sealed: Buffer): { id: string; rest: Buffer } {
  const length = sealed[0] ?? 0
  return { id: sealed.subarray(1, 1 + length).toString('latin1'), rest: sealed.subarray(1 + length) }
}

function keyOf(ring: ReadonlyMap<string, Buffer>, id: string): Buffer {
  const key = ring.get(id)
  if (key === undefined) throw new SealError(`there is no key "${id}" in IDENTITY_ENCRYPTION_KEY`)
  return key
}

function parseKeys(keys: string): Map<string, Buffer> {
  const ring = new Map(keys.split(',').map((entry) => parseKey(entry.trim())))
  if (ring.size === 0) throw new Error('IDENTITY_ENCRYPTION_KEY names no key')
  return ring
}

function parseKey(entry: string): [string, Buffer] {
  const [id = '', encoded = ''] = entry.split(':')
  const key = Buffer.from(encoded, 'base64')
  if (!/^[\w.-]{1,32}$/.test(id) || key.length !== 32) {
    throw new Error('IDENTITY_ENCRYPTION_KEY must be <id>:<32 bytes in base64>: make one with `openssl rand -base64 32`')
  }
  return [id, key]
}
