import { homedir, platform } from 'node:os'
import { resolve } from 'node:path'

/**
 * Folder for programs and signatures that all stacks of this user share. Root's is readable by every user, since Postgres runs as
 * another one.
 */
export function defaultCache(): string {
  if (process.getuid?.() === 0) return '/var/cache/slipway'
  return platform() === 'darwin' ? resolve(homedir(), 'Library/Caches/slipway') : resolve(homedir(), '.cache/slipway')
}
