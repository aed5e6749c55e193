import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the built console is. */
export const siteFolder: string = join(import.meta.dirname, 'dist')

/** The program that builds it; run by Node in a process of its own, so that nobody else loads a bundler. */
export const siteBuilder: string = join(import.meta.dirname, 'build.ts')

const stampFile = join(siteFolder, 'sources.txt')
const policyFile = join(siteFolder, 'policy.txt')

/** Pages of the console by their first segment: whatever is below them is answered with the one page. The first page has none. */
export const pages: readonly string[] = ['', 'files', 'menu', 'jobs', 'tenant', 'link', 'm']

export function isPage(path: string): boolean {
  return pages.includes(path.split('/')[1] ?? '') && !path.startsWith('//')
}

/** Changes with every source of the console, and with the versions of what it is built from. */
export function sourceStamp(): string {
  const own = globSync('**/*.{ts,tsx,css,html,json,svg}', {
    cwd: import.meta.dirname,
    exclude: ['dist/**', 'node_modules/**', 'browser/**'],
  })
  const client = globSync('*.ts', { cwd: join(import.meta.dirname, '../../libs/client') }).map((name) => join('../../libs/client', name))
  const hash = createHash('sha256')
  for (const name of [...own, ...client].filter((name) => !/\.test\.tsx?$/.test(name)).sort()) {
    hash.update(`${name}\0`).update(readFileSync(join(import.meta.dirname, name)))
  }
  return hash.digest('hex')
}

export function isBuilt(): boolean {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === sourceStamp()
}

/** Headers of the page, as every server of the console must send them. */
export function pageHeaders(): Readonly<Record<string, string>> {
  return {
    'content-security-policy': readFileSync(policyFile, 'utf8').trim(),
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  }
}

/** Assets carry the hash of their content in their name. */
export const assetCacheControl = 'public, max-age=31536000, immutable'
