import '@slipway/db/quick-imports'
import { traceCommand } from '@slipway/telemetry/command'
import { parseInvocation, unknownWord } from './arguments.ts'
import { commandNames, commands } from './commands.ts'
import { exitCodes, renderFailure, toFailure } from './failure.ts'

/** Finds the command, checks its arguments, runs it; every failure becomes one message and an exit code. */
async function run(args: readonly string[]): Promise<number> {
  const [word = 'help', ...rest] = args
  const name = word === '--help' || word === '-h' ? 'help' : word
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!entry) throw unknownWord('command', name, commandNames)
  const command = await entry.load()
  if (rest.includes('--help')) {
    console.log(`usage: slipway ${command.usage}\n\n${entry.summary}`)
    return exitCodes.ok
  }
  const invocation = parseInvocation(name, command, rest)
  return traceCommand(`slipway ${name}`, () => command.run(invocation))
}

try {
  process.exit(await run(process.argv.slice(2)))
} catch (error) {
  const failure = toFailure(error)
  console.error(renderFailure(failure))
  process.exit(failure.exitCode)
}
