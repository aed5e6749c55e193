import { once } from 'node:events'
import { connect } from '@slipway/db'
import { createWorkers } from './index.ts'
import type { ProbeContext } from './probe-processor.fixtures.ts'
import { probeQueues } from './probe-queues.fixtures.ts'
import { prefix, quick } from './probe-settings.fixtures.ts'

/**
 * A worker host as a process of its own, which tests kill: `node probe-host.fixtures.ts <redis> <postgres>`. Says `ready`, and
 * `started <name>` for each job; one whose name begins with `hang` never ends here.
 */
const [redisUrl = '', databaseUrl = ''] = process.argv.slice(2)
const database = connect({ url: databaseUrl })
const during: ProbeContext['during'] = async ({ payload: { name }, signal }) => {
  process.stdout.write(`started ${name}\n`)
  if (name.startsWith('hang')) await once(signal, 'never')
}
const workers = await createWorkers({
  service: 'probe',
  definitions: probeQueues,
  redisUrl,
  prefix,
  database,
  tuning: quick,
  context: { database, during },
})
await workers.ready()
process.stdout.write('ready\n')
