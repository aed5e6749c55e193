import { startSeaweed } from '@slipway/stack'
import { asDeployed, startChild } from '../child.ts'
import type { Row } from '../measure.ts'
import { makeCallers, requestsOf, tenant } from './dishes.ts'
import type { DownloadServer, DownloadSettings } from './download.child.ts'
import { openHome } from './home.ts'
import { hindered } from './http.ts'
import { startNginx } from './nginx.ts'
import { presign } from './presign.ts'
import { mebibytesPerSecond, startLoad } from './requests.ts'
import { startSink } from './sinks.ts'

const mebibytes = 64
const connections = 4
const seconds = 5
const bucketPrefix = 'bench-'

export const download: Row = {
  name: 'download',
  lines: ['download'],
  async open(stack) {
    const home = await openHome(stack)
    const { endpoint, region, accessKey, secretKey } = stack.use(await startSeaweed({ home, durable: false }))
    const { clamd } = await startSink(stack)
    const callers = await makeCallers(connections)
    const child = stack.use(await startChild(new URL('download.child.ts', import.meta.url), asDeployed))
    const storage = { endpoint, region, accessKey, secretKey, pathStyle: true, bucketPrefix }
    const { port, object } = await child.ask<DownloadServer>({ storage, clamd, callers, mebibytes } satisfies DownloadSettings)
    const path = `/${bucketPrefix}${object.bucket}/${object.key}`
    const url = presign({ endpoint, region, accessKey, secretKey, path, seconds: 3600 })
    const nginx = await startNginx(stack, { home, url })
    const load = await startLoad(stack)
    const asked = { requests: requestsOf(callers, `/api/v1/files/${tenant.id}/content`), connections, seconds }
    const ours = mebibytesPerSecond(load, { port, pids: [child.pid] }, asked)
    const theirs = mebibytesPerSecond(load, nginx, asked)
    return [
      {
        name: 'download',
        what: 'download throughput vs nginx on the same object in the same S3',
        unit: 'MiB/s',
        goal: 0.5,
        better: '≥',
        pair: { ours, theirs },
        control: {
          kind: 'handicap',
          what: 'each of our chunks keeps the process busy for 1 ms',
          rounds: 2,
          pair: { ours: hindered(child, 1, ours), theirs },
        },
      },
    ]
  },
}
