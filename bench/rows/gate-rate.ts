import { startChild } from '../child.ts'
import type { Row, Side } from '../measure.ts'
import { processorSeconds } from '../processor.ts'
import type { GateSettings, Rate } from './gate.child.ts'
import { answeringCore } from './requests.ts'
import { startSink } from './sinks.ts'

const passed = 768
const hashed = 4096

export const gateRate: Row = {
  name: 'gate-rate',
  lines: ['gate-rate'],
  async open(stack) {
    const { clamd, storage } = await startSink(stack)
    const child = stack.use(await startChild(new URL('gate.child.ts', import.meta.url), { core: answeringCore }))
    await child.ask({ storage, clamd: { ...clamd, maxFileBytes: 4 * 1024 ** 3 } } satisfies GateSettings)
    const rate = (asked: Rate): Side => {
      return async () => {
        const before = processorSeconds([child.pid])
        const figure = await child.ask<number>(asked)
        const { mebibytes } = asked
        return { figure, work: mebibytes, wallSeconds: mebibytes / figure, processorSeconds: processorSeconds([child.pid]) - before }
      }
    }
    const theirs = rate({ rateOf: 'sha256', mebibytes: hashed })
    return [
      {
        name: 'gate-rate',
        what: 'gate without clamd vs SHA-256 rate of the same core',
        unit: 'MiB/s',
        goal: 0.25,
        better: '≥',
        pair: { ours: rate({ rateOf: 'gate', mebibytes: passed }), theirs },
        control: {
          kind: 'handicap',
          what: 'each chunk is hashed four times more',
          rounds: 2,
          pair: { ours: rate({ rateOf: 'gate', mebibytes: passed / 2, moreHashes: 4 }), theirs },
        },
      },
    ]
  },
}
