import type { Command } from '../command.ts'
import { commandNames, commands } from '../commands.ts'
import { exitCodes } from '../failure.ts'

export const help: Command = {
  usage: 'help [command]',
  options: {},
  words: [0, 1],
  choices: commandNames,
  async run({ words: [name] }) {
    console.log(name === undefined ? await overview() : await page(name))
    return exitCodes.ok
  },
}

async function overview(): Promise<string> {
  const width = Math.max(...commandNames.map((name) => name.length))
  const lines = commandNames.map((name) => `  ${name.padEnd(width)}  ${commands[name]?.summary}`)
  return ['usage: slipway <command> [options]', '', ...lines, '', 'slipway help <command> shows the options of a command.'].join('\n')
}

async function page(name: string): Promise<string> {
  const entry = commands[name]
  const command = await entry?.load()
  return `usage: slipway ${command?.usage}\n\n${entry?.summary}`
}
