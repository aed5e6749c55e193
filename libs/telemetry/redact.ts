const hidden = '[redacted]'
const deepest = 8
const sensitive = /passw(or)?d|secret|token|authorization|cookie|apikey|accesskey|privatekey|credential/

/** Of keys that were met: a line of log has the same ones each time. Bounded, as objects of strangers may come with any. */
const judged = new Map<string, boolean>()
const mostJudged = 1000
const longestJudged = 64

/** Whether a key names something that must not be kept: `set-cookie`, `clientSecret`, `api_key`. */
export function isSensitive(key: string): boolean {
  const known = judged.get(key)
  if (known !== undefined) return known
  const verdict = sensitive.test(key.toLowerCase().replaceAll(/[-_]/g, ''))
  if (judged.size >= mostJudged) judged.clear()
  if (key.length <= longestJudged) judged.set(key, verdict)
  return verdict
}

/**
 * The value without what sensitive keys hold, at any depth; the input is not changed, and may be the output. Errors become plain objects with their message,
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

function walkEntries(value: object, depth: number): object {
  if (isFlat(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isSensitive(key) ? hide(item) : walk(item, depth + 1)]))
}

/** Whether there is nothing to look into and nothing to hide, as in most lines of log: then no copy is needed. */
function isFlat(value: object): boolean {
  for (const [key, item] of Object.entries(value)) {
    if (!isHarmless(item) && (typeof item === 'object' || isSensitive(key))) return false
  }
  return true
}

function hide(value: unknown): unknown {
  return isHarmless(value) ? value : hidden
}

function isHarmless(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'number' || typeof value === 'boolean'
}
