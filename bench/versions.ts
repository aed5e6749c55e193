import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { ensureBinaries, ensurePrograms } from '@slipway/stack'

const run = promisify(execFile)

export type Versions = Readonly<Record<string, string>>

/** Of what is measured and of what it is measured against. */
export async function versionsInUse(): Promise<Versions> {
  const { redis, clamd, weed } = await ensureBinaries()
  const [nginx] = await ensurePrograms(['nginx'])
  const [redisText, clamdText, weedText, nginxText] = await Promise.all([
    output(redis, '--version'),
    output(clamd, '--version'),
    output(weed, 'version'),
    output(nginx, '-v'),
  ])
  return {
    node: process.version,
    redis: numberIn(redisText),
    clamd: numberIn(clamdText),
    seaweedfs: numberIn(weedText),
    nginx: numberIn(nginxText),
    ...packages(),
  }
}

async function output(command: string, argument: string): Promise<string> {
  const { stdout, stderr } = await run(command, [argument])
  return stdout + stderr
}

function numberIn(text: string): string {
  return /\d+\.[\d.]*\d/.exec(text)?.[0] ?? text.trim().slice(0, 100)
}

/** As this package pins them. */
function packages(): Versions {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
    dependencies?: Versions
    devDependencies?: Versions
  }
  const named = ['bullmq', 'express', 'fastify', 'pg'] as const
  return Object.fromEntries(named.map((name) => [name, dependencies[name] ?? devDependencies[name] ?? 'unknown']))
}
