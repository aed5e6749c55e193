import { existsSync } from 'node:fs'

/**
 * The entry of the images. `start.ts api files` and `start.ts worker files` are processes of a service; `start.ts api slipway migrate` is
 * a command, whatever the image is for.
 */
const [kind = '', name = '', ...rest] = process.argv.slice(2)
const program = new URL(`../services/${name}/${kind}.ts`, import.meta.url)
/** The command was called wrongly (sysexits.h, EX_USAGE). */
const usageFault = 64

if (name === 'slipway') {
  process.argv.splice(2, Infinity, ...rest)
  await import('../cli/main.ts')
} else if (/^[a-z][a-z0-9-]*$/.test(name) && existsSync(program)) {
  await import(program.href)
} else {
  process.stderr.write(`There is no ${kind} called "${name}". Give the name of a service, or \`slipway\` and a command.\n`)
  process.exitCode = usageFault
}
