import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits, safe in URLs and headers. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** How secrets with that many bits are kept: a slow hash would protect nothing that can be guessed. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
