import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv, promisify } from 'node:util'
import { processEnvironment } from '@slipway/config'

const run = promisify(execFile)
const slipway = fileURLToPath(new URL('../slipway', import.meta.url))

interface StatusView {
  readonly processes: readonly { name: string; kind: string; port: number | null; pid: number | null }[]
}

/** A stack of its own, started as a person would and removed at the end. */
export interface BenchStack extends AsyncDisposable {
  readonly url: string
  readonly apiKey: string
  /** Where a worker answers questions about its health. */
  workerPort(service: string): Promise<number>
  /** Of all APIs so far, user and system. */
  apiCpuSeconds(): Promise<number>
}

export async function startStack(settings: Readonly<Record<string, string>>): Promise<BenchStack> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'))
  const home = join(folder, 'home')
  const command = (...args: string[]) => run(slipway, [...args, '--home', home], { env: { ...processEnvironment(), ...settings } })
  await command('up', '--detach', '--port', String(await freePort()))
  const processes = async () => {
    const { stdout } = await command('status', '--json')
    return (JSON.parse(stdout) as StatusView).processes
  }
  const { SLIPWAY_URL: url = '', SLIPWAY_API_KEY: apiKey = '' } = parseEnv(readFileSync(join(home, 'dev.env'), 'utf8'))
  return {
    url,
    apiKey,
    async workerPort(service) {
      const port = (await processes()).find(({ name, kind }) => kind === 'worker' && name.startsWith(service))?.port
      if (!port) throw new Error(`no worker of ${service} runs`)
      return port
    },
    async apiCpuSeconds() {
      const apis = (await processes()).filter(({ kind }) => kind === 'api')
      return apis.reduce((sum, { pid }) => sum + (pid ? cpuSeconds(pid) : 0), 0)
    },
    async [Symbol.asyncDispose]() {
      await command('reset', '--yes')
      rmSync(folder, { recursive: true })
    },
  }
}

/** Fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms; the name before them may hold spaces. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
