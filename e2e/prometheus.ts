/** The HTTP API of a Prometheus, as far as dashboards and alerts are asked about. */
interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export interface Rule {
  readonly type: string
  readonly name: string
  readonly query: string
  readonly state: 'inactive' | 'pending' | 'firing'
  readonly health: string
  readonly lastError?: string
  /** Of alerts only: what waits or fires. */
  readonly alerts?: readonly {
    readonly state: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }[]
}

/** `namespace=a,release=b` */
export function selectorOf(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('='))
  if (pairs.some(([key, value]) => !key || !value)) throw new TypeError(`"${text}" is no selector such as namespace=apps,release=shop`)
  return Object.fromEntries(pairs)
}

/** @throws what Prometheus has against the question */
export async function askPrometheus<Data>(url: string, path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Data> {
  const answer = await fetch(new URL(`/api/v1/${path}?${new URLSearchParams(parameters).toString()}`, url))
  const text = await answer.text()
  if (!answer.ok) throw new Error(`Prometheus answers ${answer.status}: ${text.slice(0, 500)}`)
  return (JSON.parse(text) as { data: Data }).data
}

/** The series of the answer; those of which nothing can be said (NaN) are none. */
export async function seriesOf(url: string, query: string): Promise<Sample[]> {
  const { result } = await askPrometheus<{ result: readonly Sample[] }>(url, 'query', { query })
  return result.filter(({ value }) => value[1] !== 'NaN')
}

export async function rulesOf(url: string): Promise<Rule[]> {
  const { groups } = await askPrometheus<{ groups: readonly { rules: readonly Rule[] }[] }>(url, 'rules')
  return groups.flatMap(({ rules }) => rules)
}
