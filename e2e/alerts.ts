import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Rule, rulesOf, selectorOf } from './prometheus.ts'

/**
 * Asks a Prometheus that has the rules of an installation what it makes of them (`helm/tests/rule-file.ts` makes them a file):
 *
 *     node e2e/alerts.ts http://127.0.0.1:9090 namespace=apps,release=shop            says which wait and which fire
 *     node e2e/alerts.ts … --firing SlipwayScannerDown --seconds 300                  waits until these fire
 *     node e2e/alerts.ts … --quiet SlipwayScannerDown --seconds 300                   waits until these do not
 *
 * The exit code is 1 when a rule cannot be evaluated, when there is none, or when the time is up.
 */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { firing: { type: 'string', default: '' }, quiet: { type: 'string', default: '' }, seconds: { type: 'string', default: '300' } },
})
const [url = 'http://127.0.0.1:9090', selector = 'namespace=slipway,release=slipway'] = positionals
const own = selectorOf(selector)
const named = (list: string) => list.split(',').filter((name) => name !== '')
const [awaited, unwanted] = [named(options.firing), named(options.quiet)]

/** Of this installation. What has no such label, such as certificates, is of all. */
const isOwn = ({ labels }: NonNullable<Rule['alerts']>[number]) =>
  Object.entries(own).every(([key, value]) => (labels[key] ?? value) === value)
const alertsOf = (rules: readonly Rule[], state: string) =>
  rules.flatMap(({ name, alerts = [] }) =>
    alerts.filter((alert) => alert.state === state && isOwn(alert)).map((alert) => ({ name, ...alert })),
  )

function tell(rules: readonly Rule[]): void {
  const alerting = rules.filter(({ type }) => type === 'alerting')
  process.stdout.write(`${rules.length} rules, ${alerting.length} of them alerts\n`)
  for (const state of ['firing', 'pending'])
    for (const { name, labels, annotations } of alertsOf(alerting, state)) {
      const where = Object.entries(labels).filter(([key]) => !(key in own) && key !== 'alertname')
      process.stdout.write(`  ${state.padEnd(8)} ${name}: ${annotations['summary']} (${where.map((pair) => pair.join('=')).join(' ')})\n`)
    }
}

/** Rules that Prometheus has not looked at yet are no fault: after its start they are `unknown` for one interval. */
function broken(rules: readonly Rule[]): string[] {
  return rules.filter(({ health }) => health === 'err').map(({ name, query, lastError }) => `${name}: ${lastError}\n    ${query}`)
}

/** Names that are not yet as they are waited for. */
function open(rules: readonly Rule[]): string[] {
  const firing = new Set(alertsOf(rules, 'firing').map(({ name }) => name))
  return [...awaited.filter((name) => !firing.has(name)), ...unwanted.filter((name) => firing.has(name))]
}

async function settled(): Promise<Rule[]> {
  const deadline = Date.now() + Number(options.seconds) * 1000
  for (;;) {
    const rules = await rulesOf(url)
    const waits = rules.some(({ health }) => health === 'unknown') || open(rules).length > 0
    if (!waits || Date.now() > deadline) return rules
    await delay(1000)
  }
}

const rules = await settled()
tell(rules)
const faults = [
  ...(rules.length === 0 ? ['this Prometheus has no rules: make them by helm/tests/rule-file.ts and name them under rule_files'] : []),
  ...broken(rules),
  ...open(rules).map((name) => (awaited.includes(name) ? `${name} does not fire` : `${name} still fires`)),
]
for (const fault of faults) process.stderr.write(`  WRONG    ${fault}\n`)
if (faults.length > 0) process.exitCode = 1
