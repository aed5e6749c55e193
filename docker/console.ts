import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { assetCacheControl, pageHeaders, pages, siteFolder } from '../services/console/site.ts'

/**
 * The built console as nginx serves it: its files beside their compressed forms, and the part of the configuration that follows from the
 * build. `node docker/console.ts OUT`
 */
const [out = 'console'] = process.argv.slice(2)
const served = join(out, 'site')

const ofTheBuild = ['policy.txt', 'sources.txt', '.vite']
mkdirSync(served, { recursive: true })
cpSync(siteFolder, served, { recursive: true, filter: (source) => !ofTheBuild.some((name) => source === join(siteFolder, name)) })
for (const name of globSync('**/*.{html,js,css,svg,wasm,json}', { cwd: served })) {
  const compressed = gzipSync(readFileSync(join(served, name)), { level: constants.Z_BEST_COMPRESSION })
  writeFileSync(join(served, `${name}.gz`), compressed)
}
writeFileSync(join(out, 'console.conf'), configuration())

function configuration(): string {
  const named = pages.filter(Boolean).join('|')
  const always = { 'x-content-type-options': 'nosniff', 'strict-transport-security': '$slipway_hsts' }
  return [
    location(`~ ^/(?:(?:${named})(?:/.*)?)?$`, '/index.html', { ...pageHeaders(), ...always }),
    location('^~ /assets/', '$uri', { 'cache-control': assetCacheControl, ...always }),
    location('~ ^/[\\w-]+\\.(?:svg|png|js|wasm)$', '$uri', { 'cache-control': 'no-cache', ...always }),
  ].join('\n')
}

// oxlint-disable-next-line eslint/max-params -- a row of the table above
function location(match: string, file: string, headers: Readonly<Record<string, string>>): string {
  return [
    `location ${match} {`,
    '    root /srv/console;',
    '    charset utf-8;',
    '    gzip_static on;',
    `    try_files ${file} =404;`,
    ...Object.entries(headers).map(([name, value]) => `    add_header ${name} "${value}";`),
    '}\n',
  ].join('\n')
}
