import { type VariableTree, variables } from './read.ts'
import type { Variable } from './variable.ts'

/** A titled part of the generated documentation: the platform, or one service. */
export interface VariableGroup {
  title: string
  tree: VariableTree
}

const origin = 'Generated from the declarations by `./slipway generate`; a test fails when this file and they differ.'

/** `.env.example`: every variable with its sentence; what has a default or may be absent is commented out. */
export function environmentExample(groups: readonly VariableGroup[]): string {
  const parts = groups.map(({ title, tree }) => [`# ${title}`, ...variables(tree).map(exampleEntry)].join('\n\n'))
  return `# ${origin}\n# Every variable also reads a mounted file: NAME_FILE=/run/secrets/name.\n\n${parts.join('\n\n')}\n`
}

function exampleEntry(variable: Variable<unknown>): string {
  const assignment = `${variable.name}=${variable.fallback ?? ''}`
  return `# ${variable.description} (${variable.form.replaceAll('`', '')}${presence(variable)})\n${isRequired(variable) ? assignment : `# ${assignment}`}`
}

function presence(variable: Variable<unknown>): string {
  return isRequired(variable) ? '; required' : variable.fallback === null ? '; optional' : ''
}

/** `docs/configuration.md`: one table per group. */
export function configurationPage(groups: readonly VariableGroup[]): string {
  const tables = groups.map(({ title, tree }) => `## ${title}\n\n${variableTable(variables(tree))}`)
  const rules = [
    origin,
    'Every variable `NAME` can also be given as `NAME_FILE`, the path of a file that holds the value: that is how mounted secrets are read.',
    'An empty variable counts as not set. An unknown variable that starts with `SLIPWAY_` stops the start with the nearest known name.',
  ]
  return `# Configuration\n\n${rules.join('\n\n')}\n\n${tables.join('\n\n')}\n`
}

function variableTable(all: readonly Variable<unknown>[]): string {
  const rows = all.map((variable) => {
    const absent = isRequired(variable) ? '**required**' : variable.fallback === null ? 'off' : `\`${variable.fallback}\``
    return `| \`${variable.name}\` | ${absent} | ${variable.form} | ${variable.description} |`
  })
  return ['| variable | default | form | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

function isRequired(variable: Variable<unknown>): boolean {
  return variable.fallback === undefined
}
