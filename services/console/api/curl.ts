import type { CallInput, CallKey } from './calls.ts'

type Scalar = string | number | boolean | null | undefined

interface Written {
  readonly params?: Readonly<Record<string, Scalar>>
  readonly query?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  readonly body?: unknown
}

/** A request as a command that a person can run: the key comes from the environment, as in docs/calling.md. */
export function curlOf<Key extends CallKey>(origin: string, key: Key, input?: CallInput<Key>): string {
  const [method = 'GET', template = '/'] = key.split(' ')
  const { params = {}, query = {}, body } = (input ?? {}) as Written
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name] ?? `{${name}}`)))
  const parts = [
    'curl',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    '-H "Authorization: Bearer $SLIPWAY_API_KEY"',
    ...(body === undefined ? [] : ["-H 'content-type: application/json'", `-d ${quote(JSON.stringify(body))}`]),
    quote(`${origin}${path}${searchOf(query)}`),
  ]
  return parts.join(' ')
}

function searchOf(query: NonNullable<Written['query']>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat()) if (one !== undefined && one !== null) search.append(name, String(one))
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
