import { spawnSync } from 'node:child_process'
import { flushCompileCache } from 'node:module'
import { processEnvironment } from '@slipway/config'
import { commands } from '../cli/commands.ts'
import { services } from '../cli/services.ts'

/**
 * Loads what the processes of an image load, so that NODE_COMPILE_CACHE has it compiled: they start with less of the processor, which
 * counts when a roll-out starts many at a time. A part of the image's build; what is missing here is compiled at the start as ever. V8 takes
 * only what was compiled under its own flags: start this with `--import @slipway/service/external-memory`, as its processes are.
 */
const oneShot = ['migrate', 'doctor', 'cluster-secrets'] as const
await Promise.all([
  import('../libs/telemetry/start.ts'),
  ...oneShot.map((name) => commands[name]?.load()),
  ...services.flatMap((service) => service.queues.map((queue) => queue.processor())),
])
flushCompileCache()

// The entries themselves: without a configuration each loads all that it imports, says what is missing, and ends.
const { PATH = '', NODE_COMPILE_CACHE = '' } = processEnvironment()
for (const { name } of services) {
  for (const kind of ['api', 'worker']) {
    const args = ['--import', '@slipway/service/preload', 'docker/start.ts', kind, name]
    const { stderr } = spawnSync(process.execPath, args, { env: { PATH, NODE_COMPILE_CACHE }, encoding: 'utf8' })
    if (!stderr.includes('DATABASE_URL')) throw new Error(`${kind} ${name} did not ask for its configuration: ${stderr}`)
  }
}
