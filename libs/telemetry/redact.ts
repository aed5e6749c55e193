const hidden = '[redacted]'
const deepest = 8
const sensitive = /passw(or)?d|secret|token|authorization|cookie|apikey|accesskey|privatekey|credential/

/** Whether a key names something that must not be kept: `set-cookie`, `clientSecret`, `api_key`. */
export function isSensitive(key: string): boolean {
  return sensitive.test(key.toLowerCase().replaceAll(/[-_]/g, ''))
}

/**
 * The value without what sensitive keys hold, at any depth; the input is not changed. Errors become plain objects with their message,
 * stack and causes. Numbers and booleans stay (`tokenCount: 3`), and so does what brings its own JSON form: `Secret`, `Date`, `URL`.
 */
export function redact(value: unknown): unknown {
  return walk(value, 0)
}

function walk(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return value
  if (depth >= deepest) return '[too deep]'
  if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1))
  return value instanceof Error ? { ...errorFacts(value, depth), ...walkEntries(value, depth) } : walkEntries(value, depth)
}

function errorFacts(error: Error, depth: number): Record<string, unknown> {
  const cause = error.cause === undefined ? {} : { cause: walk(error.cause, depth + 1) }
  return { type: error.name, message: error.message, stack: error.stack, ...cause }
}

function walkEntries(value: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isSensitive(key) ? hide(item) : walk(item, depth + 1)]))
}

function hide(value: unknown): unknown {
  const harmless = value === undefined || value === null || typeof value === 'number' || typeof value === 'boolean'
  return harmless ? value : hidden
}
