import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { publish, quantile } from './results.ts'

/**
 * What loading the platform costs a process, with `@slipway/db/quick-imports` and without, turn by turn: seconds of the processor until
 * `@slipway/service` is loaded, with everything compiled before. `node bench/start.ts [turns]`
 */
const [turns = 9] = process.argv.slice(2).map(Number)
const run = promisify(execFile)
const program = `await import('@slipway/service'); const { user, system } = process.cpuUsage(); console.log((user + system) / 1e6)`

async function seconds(preload: readonly string[]): Promise<number> {
  const args = [...preload, '--input-type=module', '--eval', program]
  const { stdout } = await run(process.execPath, args, { cwd: import.meta.dirname, env: { NODE_COMPILE_CACHE: cache } })
  return Number(stdout)
}

const round = (percent: number) => Math.round(percent * 10) / 10
const cache = new URL('../node_modules/.cache/bench-start', import.meta.url).pathname
const ways = { quick: ['--import', '@slipway/db/quick-imports'], plain: [] } as const
for (const preload of Object.values(ways)) await seconds(preload)
const ratios: number[] = []
const taken: Record<keyof typeof ways, number[]> = { quick: [], plain: [] }
for (let turn = 0; turn < turns; turn++) {
  const first = turn % 2 === 0 ? await seconds(ways.quick) : null
  const plain = await seconds(ways.plain)
  const quick = first ?? (await seconds(ways.quick))
  taken.quick.push(quick * 1000)
  taken.plain.push(plain * 1000)
  ratios.push((100 * quick) / plain)
}
publish('start', {
  turns,
  processorMilliseconds: { quick: quantile(taken.quick, 0.5), plain: quantile(taken.plain, 0.5) },
  percentOfPlain: { median: quantile(ratios, 0.5), least: round(Math.min(...ratios)), most: round(Math.max(...ratios)) },
})
