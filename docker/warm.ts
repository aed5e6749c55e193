import { flushCompileCache } from 'node:module'
import { commands } from '../cli/commands.ts'
import { services } from '../cli/services.ts'

/**
 * Loads what the processes of an image load, so that NODE_COMPILE_CACHE has it compiled: they start with less of the processor, which
 * counts when a roll-out starts many at a time. A part of the image's build; what is missing here is compiled at the start as ever.
 */
const oneShot = ['migrate', 'doctor', 'cluster-secrets'] as const
await Promise.all([
  import('../libs/telemetry/start.ts'),
  ...oneShot.map((name) => commands[name]?.load()),
  ...services.flatMap((service) => service.queues.map((queue) => queue.processor())),
])
flushCompileCache()
