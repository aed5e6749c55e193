import { request } from 'node:http'
import { processEnvironment } from '@slipway/config'

/** For `HEALTHCHECK`: 0 when the process serves and its stores answer. Kubernetes asks the same address itself. */
const port = Number(processEnvironment()['HTTP_INTERNAL_PORT'] ?? 8081)
const asked = request({ host: '127.0.0.1', port, path: '/health/ready', timeout: 2500 }, (answer) => {
  process.exitCode = answer.statusCode === 200 ? 0 : 1
  answer.resume()
})
asked.on('timeout', () => asked.destroy())
asked.on('error', () => (process.exitCode = 1))
asked.end()
