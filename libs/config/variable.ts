import { z } from 'zod'
import { Secret } from './secret.ts'

/** One environment variable: its name, how its text becomes a value, and what the generated documentation says of it. */
export interface Variable<T> {
  readonly name: string
  readonly description: string
  /** As it would stand in the environment; undefined = required, null = absent means the feature is off. */
  readonly fallback: string | null | undefined
  readonly secret: boolean
  /** What a valid value looks like, for documentation and error messages. */
  readonly form: string
  readonly schema: z.ZodType<T, string>
}

interface Options {
  description: string
  /** The value when the variable is not set, written as in the environment. Without it and without `optional` the variable is required. */
  default?: string | number | boolean
}
interface Optional extends Omit<Options, 'default'> {
  /** Not set = `null`: the feature is off. */
  optional: true
}
interface Bounds {
  min?: number
  max?: number
}

type Made<T, O> = Variable<O extends Optional ? T | null : T>

interface Form<T> {
  form: string
  schema: z.ZodType<T, string>
  secret?: boolean
}

function variable<T, O extends Options | Optional>(name: string, options: O, kind: Form<T>): Made<T, O> {
  const given = (options as Options).default
  const fallback = 'optional' in options ? null : given === undefined ? undefined : String(given)
  const { form, schema, secret = false } = kind
  return { name, description: options.description, fallback, secret, form, schema }
}

export function text<const O extends Options | Optional>(name: string, options: O): Made<string, O> {
  return variable(name, options, { form: 'text', schema: z.string().min(1) })
}

/** A secret has no default: a well-known secret is none. */
export function secret<const O extends Omit<Options, 'default'> | Optional>(name: string, options: O): Made<Secret, O> {
  const schema = z
    .string()
    .min(1)
    .transform((value) => new Secret(value))
  return variable(name, options, { form: 'secret', schema, secret: true })
}

export function integer<const O extends (Options | Optional) & Bounds>(name: string, options: O): Made<number, O> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options
  const upper = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`
  const schema = z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(min).max(max))
  return variable(name, options, { form: `whole number from ${min}${upper}`, schema })
}

export function decimal<const O extends (Options | Optional) & Bounds>(name: string, options: O): Made<number, O> {
  const { min = 0, max = Number.MAX_VALUE } = options
  const schema = z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
  return variable(name, options, { form: max === Number.MAX_VALUE ? `number from ${min}` : `number from ${min} to ${max}`, schema })
}

export function flag<const O extends Options | Optional>(name: string, options: O): Made<boolean, O> {
  const schema = z.enum(['true', 'false']).transform((value) => value === 'true')
  return variable(name, options, { form: '`true` or `false`', schema })
}

export function choice<const V extends readonly [string, ...string[]], const O extends Options | Optional>(
  name: string,
  values: V,
  options: O,
): Made<V[number], O> {
  const schema = z.enum(values as unknown as [string, ...string[]]) as unknown as z.ZodType<V[number], string>
  return variable(name, options, { form: values.map((value) => `\`${value}\``).join(', '), schema })
}

/** An absolute URL; `protocols` without colon: `['http', 'https']`. */
export function url<const O extends (Options | Optional) & { protocols?: readonly string[] }>(name: string, options: O): Made<URL, O> {
  return variable(name, options, urlForm(options.protocols))
}

function urlForm(protocols: readonly string[] | undefined): Form<URL> {
  const schema = z
    .string()
    .refine((value) => URL.canParse(value), { error: 'must be an absolute URL', abort: true })
    .transform((value) => new URL(value))
    .refine((value) => !protocols || protocols.includes(value.protocol.slice(0, -1)), `must start with ${protocols?.join(':// or ')}://`)
  return { form: protocols ? `${protocols.join(' or ')} URL` : 'URL', schema }
}

/** A URL that may carry a password: kept as a secret. */
export function secretUrl<const O extends (Options | Optional) & { protocols?: readonly string[] }>(
  name: string,
  options: O,
): Made<Secret, O> {
  const kind = urlForm(options.protocols)
  const schema = kind.schema.transform((value) => new Secret(value.href))
  return variable(name, options, { form: kind.form, schema, secret: true })
}

/** Comma-separated values; blanks around them are dropped, and so are empty ones. */
export function list<const O extends Options | Optional>(name: string, options: O): Made<readonly string[], O> {
  const schema = z.string().transform((value) => {
    const parts = value.split(',').map((part) => part.trim())
    return Object.freeze(parts.filter(Boolean))
  })
  return variable(name, options, { form: 'values separated by commas', schema })
}
