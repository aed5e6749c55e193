import { readFileSync } from 'node:fs'
import type { Variable } from './variable.ts'

export type VariableTree = { readonly [key: string]: Variable<unknown> | VariableTree }

/** The values of a tree of variables, in the same shape. */
export type Values<Tree extends VariableTree> = {
  readonly [Key in keyof Tree]: Tree[Key] extends Variable<infer T> ? T : Tree[Key] extends VariableTree ? Values<Tree[Key]> : never
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Everything that is wrong with the environment, in one message. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The configuration is not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

export function isVariable(node: unknown): node is Variable<unknown> {
  return typeof node === 'object' && node !== null && 'schema' in node && 'name' in node
}

/** Every variable of a tree, depth first, in the order of declaration. */
export function variables(tree: VariableTree): Variable<unknown>[] {
  return Object.values(tree).flatMap((node) => (isVariable(node) ? [node] : variables(node)))
}

interface ReadOptions {
  /** Names that other programs of the platform read from the same environment; they are known, but not read here. */
  known?: readonly string[]
}

/**
 * Reads and validates a tree of variables. The result is frozen, all the way down.
 *
 * `NAME_FILE` names a file whose content is the value of `NAME` (a mounted secret); one trailing newline is dropped.
 * A variable that starts with `SLIPWAY_` and is not declared is a fault: it is most likely a typing error.
 *
 * @throws {ConfigError} with every fault at once
 */
export function readConfig<Tree extends VariableTree>(tree: Tree, environment: Environment, options: ReadOptions = {}): Values<Tree> {
  const faults = unknownNames(tree, environment, options.known ?? [])
  const values = readTree(tree, environment, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return values as Values<Tree>
}

function readTree(tree: VariableTree, environment: Environment, faults: string[]): object {
  const entries = Object.entries(tree).map(([key, node]) => [
    key,
    isVariable(node) ? readVariable(node, environment, faults) : readTree(node, environment, faults),
  ])
  return Object.freeze(Object.fromEntries(entries))
}

function readVariable(variable: Variable<unknown>, environment: Environment, faults: string[]): unknown {
  const given = rawValue(variable.name, environment, faults)
  if (given === unreadable) return undefined
  const raw = given ?? variable.fallback
  if (raw === null) return null
  if (raw === undefined) {
    faults.push(`${variable.name} is not set: ${variable.description} (${variable.form})`)
    return undefined
  }
  const result = variable.schema.safeParse(raw)
  if (result.success) return result.data
  const received = variable.secret ? 'its value' : `"${raw}"`
  const reasons = result.error.issues.map((issue) => issue.message).join('; ')
  faults.push(`${variable.name}: ${received} is not a ${variable.form} (${reasons})`)
  return undefined
}

/** Its fault is told already; that the variable is not set either would be another one, and misleading. */
const unreadable = Symbol('unreadable')

/** An empty variable counts as not set: that is how compose files and charts pass an absent value. */
function rawValue(name: string, environment: Environment, faults: string[]): string | typeof unreadable | undefined {
  const direct = environment[name] || undefined
  const path = environment[`${name}_FILE`] || undefined
  if (path === undefined) return direct
  if (direct !== undefined) faults.push(`${name} and ${name}_FILE are both set: keep one of them`)
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    faults.push(`${name}_FILE: "${path}" cannot be read (${(error as NodeJS.ErrnoException).code}): mount the file or unset the variable`)
    return unreadable
  }
}

function unknownNames(tree: VariableTree, environment: Environment, known: readonly string[]): string[] {
  const names = new Set([...variables(tree).map((variable) => variable.name), ...known])
  return Object.keys(environment)
    .filter((name) => name.startsWith('SLIPWAY_') && environment[name])
    .filter((name) => !names.has(name) && !names.has(name.replace(/_FILE$/, '')))
    .map((name) => {
      const nearest = nearestName(name, [...names])
      return `${name} is not a known variable${nearest ? `: did you mean ${nearest}?` : ': unset it'}`
    })
}

/** The candidate that is most likely meant, for "did you mean" messages; undefined when none is close. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
  ranked.sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance <= Math.max(3, name.length / 3) ? best.candidate : undefined
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
