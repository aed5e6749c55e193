import { ensureBinaries } from '@slipway/stack'
import { textOption, unknownWord } from '../arguments.ts'
import type { Breakage } from '../chaos/breakage.ts'
import type { Fault } from '../chaos/faults/fault.ts'
import { faults } from '../chaos/faults.ts'
import { countedViolations, renderEnd, writeResult } from '../chaos/report.ts'
import { runChaos } from '../chaos/run.ts'
import type { Command, Invocation } from '../command.ts'
import { exitCodes } from '../failure.ts'

const breakages: readonly Breakage[] = ['lie', 'lose', 'leave']

export const chaos: Command = {
  usage: 'chaos [--short] [--only NAMES] [--break lie|lose|leave]',
  options: { short: { type: 'boolean' }, only: { type: 'string' }, break: { type: 'string' } },
  async run(invocation) {
    const chosen = chosenFaults(invocation)
    const breakage = chosenBreakage(invocation)
    await ensureBinaries()
    const stopping = new AbortController()
    const stop = () => stopping.abort(new Error('interrupted'))
    process.on('SIGINT', stop).on('SIGTERM', stop)
    try {
      const result = await runChaos({ faults: chosen, breakage, print: (text) => console.log(text), signal: stopping.signal })
      console.log(renderEnd(result))
      if (chosen === faults && breakage === null) writeResult(result)
      return countedViolations(result, chosen === faults) === 0 ? exitCodes.ok : exitCodes.failed
    } catch (error) {
      if (stopping.signal.aborted) return exitCodes.interrupted
      throw error
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop)
    }
  },
}

/** All of them, the short list, or some by their names. */
function chosenFaults(invocation: Invocation): readonly Fault[] {
  const only = textOption(invocation, 'only')
  if (only === undefined) return invocation.values['short'] === true ? faults.filter(({ short }) => short) : faults
  return only.split(',').map((name) => {
    const fault = faults.find((fault) => fault.name === name.trim())
    if (!fault)
      throw unknownWord(
        'fault',
        name.trim(),
        faults.map(({ name }) => name),
      )
    return fault
  })
}

function chosenBreakage(invocation: Invocation): Breakage | null {
  const wanted = textOption(invocation, 'break')
  if (wanted === undefined) return null
  const breakage = breakages.find((name) => name === wanted)
  if (!breakage) throw unknownWord('breakage', wanted, breakages)
  return breakage
}
