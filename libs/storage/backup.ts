/** For @slipway/backup alone: what is here writes to S3 past the scan gate. A check of the structure keeps everybody else away. */
export { bringBack, type CopiedObject, existingBuckets, listObjects } from './copies.ts'
export { type Digest, DigestError } from './stream-upload.ts'
export { openVault, type Vault, type VaultOptions } from './vault.ts'
