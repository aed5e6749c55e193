import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { askPrometheus, selectorOf, seriesOf } from './prometheus.ts'

/**
 * Asks a Prometheus every query of every dashboard, as Grafana would with these variables, and tells those without data:
 *
 *     node e2e/dashboards.ts http://127.0.0.1:9090 namespace=apps,release=shop [window, such as 2m]
 *
 * The exit code is 1 when a query fails, when it has no data although its panel does not say that this may be ("No data: …"), and when no
 * series has a label that the legend names.
 */
const folder = new URL('../helm/slipway/dashboards/', import.meta.url)
const [url = 'http://127.0.0.1:9090', selector = 'namespace=slipway,release=slipway', window = '5m'] = process.argv.slice(2)

interface Panel {
  readonly title: string
  readonly description?: string
  readonly targets?: readonly Query[]
}

interface Dashboard {
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly definition: string }[] }
}

const values: Readonly<Record<string, string>> = {
  ...selectorOf(selector),
  job: '.+',
  queue: '.+',
  __rate_interval: window,
  __range: window,
}
const filled = (query: string) => query.replaceAll(/\$(\w+)/g, (whole, name: string) => values[name] ?? whole)

const tally = { queries: 0, series: 0, mayBeEmpty: [] as string[], faults: [] as string[] }

interface Query {
  readonly expr: string
  readonly legendFormat: string
}

async function ask(place: string, { expr, legendFormat }: Query, reason: string | undefined): Promise<void> {
  const query = filled(expr)
  tally.queries++
  try {
    const series = await seriesOf(url, query)
    tally.series += series.length
    const missing = [...legendFormat.matchAll(/{{(\w+)}}/g)]
      .map(([, label = '']) => label)
      .filter((label) => !series.some(({ metric }) => metric[label]))
    if (series.length > 0 && missing.length > 0) tally.faults.push(`${place}\n    no series has ${missing.join(', ')}: ${query}`)
    if (series.length > 0) return
    if (reason === undefined) tally.faults.push(`${place}\n    has no data: ${query}`)
    else tally.mayBeEmpty.push(`${place} (${reason})`)
  } catch (error) {
    tally.faults.push(`${place}\n    ${inspect(error)}`)
  }
}

/** What people can choose from. */
async function choices({ title, templating }: Dashboard): Promise<void> {
  for (const { name, type, definition } of templating.list.filter(({ type }) => type === 'query')) {
    const [, series = '', , label = ''] = /^label_values\((\w+(\{.*\})?), (\w+)\)$/.exec(definition) ?? []
    const found = await askPrometheus<string[]>(url, `label/${label}/values`, { 'match[]': filled(series) })
    if (found.length === 0) tally.faults.push(`${title}: ${type} ${name}\n    has nothing to choose from: ${definition}`)
  }
}

for (const file of readdirSync(folder)) {
  const dashboard = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Dashboard
  await choices(dashboard)
  for (const { title, description = '', targets = [] } of dashboard.panels) {
    const reason = /^No data: (.*)\.$/m.exec(description)?.[1]
    for (const query of targets) await ask(`${dashboard.title}: ${title} [${query.legendFormat}]`, query, reason)
  }
}

const { queries, series, mayBeEmpty, faults } = tally
process.stdout.write(`${queries} queries, ${series} series; ${mayBeEmpty.length} rightly without data, ${faults.length} wrong\n`)
for (const place of mayBeEmpty) process.stdout.write(`  empty  ${place}\n`)
for (const fault of faults) process.stderr.write(`  WRONG  ${fault}\n`)
if (faults.length > 0) process.exitCode = 1
