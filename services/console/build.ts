import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { contentSecurityPolicy, inlineStylesOf } from './policy.ts'
import { siteFolder, sourceStamp } from './site.ts'

// The stamp is taken before: a file that changes meanwhile makes the result stale, not fresh.
const stamp = sourceStamp()
await build({ root: import.meta.dirname, configFile: join(import.meta.dirname, 'vite.config.ts'), logLevel: 'warn' })
const viewer = readFileSync(new URL(import.meta.resolve('@google/model-viewer/lib/template.js')), 'utf8')
writeFileSync(join(siteFolder, 'policy.txt'), `${contentSecurityPolicy(inlineStylesOf(viewer))}\n`)
writeFileSync(join(siteFolder, 'sources.txt'), `${stamp}\n`)
