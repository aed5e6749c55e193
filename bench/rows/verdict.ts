import { syntheticSignatures } from '@slipway/cli/signatures'
import { startClamd, startSeaweed } from '@slipway/stack'
import { type Child, startChild } from '../child.ts'
import type { Measure, Row, Side } from '../measure.ts'
import { processorSeconds } from '../processor.ts'
import type { GateSettings, ToVerdict } from './gate.child.ts'
import { openHome } from './home.ts'

const maxFileBytes = 1024 * 1_048_576
const heldBack = 0.2

function toVerdict(child: Child, pids: readonly number[], asked: ToVerdict): Side {
  return async () => {
    const before = processorSeconds(pids)
    const began = performance.now()
    const figure = await child.ask<number>(asked)
    const wallSeconds = (performance.now() - began) / 1000
    return { figure, work: asked.mebibytes, wallSeconds, processorSeconds: processorSeconds(pids) - before }
  }
}

export const verdict: Row = {
  name: 'verdict',
  lines: ['verdict-16', 'verdict-256'],
  async open(stack) {
    const home = await openHome(stack)
    const database = await syntheticSignatures()
    const clamd = stack.use(await startClamd({ home, database, maxFileBytes }))
    const { endpoint, region, accessKey, secretKey } = stack.use(await startSeaweed({ home, durable: false }))
    const child = stack.use(await startChild(new URL('gate.child.ts', import.meta.url)))
    await child.ask({
      storage: { endpoint, region, accessKey, secretKey, pathStyle: true, bucketPrefix: 'bench-' },
      clamd: { host: clamd.host, port: clamd.port, maxFileBytes },
    } satisfies GateSettings)
    const pids = [child.pid, clamd.pid]
    const of = (mebibytes: number, warmUps: number): Measure => {
      const theirs = toVerdict(child, pids, { through: 'clamd', mebibytes })
      return {
        name: `verdict-${mebibytes}`,
        what: `last byte → verdict vs bare clamd on the same bytes, ${mebibytes} MiB`,
        unit: 'ms',
        goal: 1.05,
        better: '≤',
        warmUps,
        pair: { ours: toVerdict(child, pids, { through: 'gate', mebibytes }), theirs },
        control: {
          kind: 'handicap',
          what: 'our verdict is held back by 20 %',
          rounds: warmUps + 1,
          pair: { ours: toVerdict(child, pids, { through: 'gate', mebibytes, heldBack }), theirs },
        },
      }
    }
    return [of(16, 1), of(256, 0)]
  },
}
