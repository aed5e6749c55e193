import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/**
 * The list of runbooks, made from the alerts: `node helm/tests/runbooks.ts` writes it; a test fails when it differs.
 */
const alerts = fileURLToPath(new URL('../slipway/alerts/', import.meta.url))
export const runbooks = fileURLToPath(new URL('../../docs/runbooks/', import.meta.url))

interface AlertFile {
  readonly alert: string
  readonly when?: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly description: string }
}

export function alertFiles(): AlertFile[] {
  const names = readdirSync(alerts).filter((file) => !file.startsWith('record-'))
  return names.map((file) => ({ ...(parse(readFileSync(`${alerts}${file}`, 'utf8')) as AlertFile), alert: basename(file, '.yaml') }))
}

export function runbookIndex(): string {
  const rows = alertFiles().map(({ alert, labels, for: patience, annotations, when }) => {
    const cells = [`[${alert}](${alert}.md)`, labels.severity, patience, annotations.description, when ? `\`${when}\`` : '']
    return `| ${cells.join(' | ')} |`
  })
  return `${head}
| alert | severity | after | | only with |
|---|---|---|---|---|
${rows.join('\n')}
`
}

const head = `<!-- Written by \`node helm/tests/runbooks.ts\` from helm/slipway/alerts: do not edit. -->
# Runbooks

One for each alert of the chart: what it means, look here, do this, undo that. \`critical\` wakes somebody, \`warning\` is a ticket.
The rules are installed by \`telemetry.alerts.enabled=true\`; \`telemetry.alerts.except\` leaves some out.

All commands are for a shell with

\`\`\`sh
namespace=slipway release=slipway chart=helm/slipway url=https://slipway.example.com
name=$release       # begins the names of all objects: $release-slipway where the release's name has no "slipway" in it
service=files       # whose job, and which pods: commands for \`files\` work for each service by its name
token=…             # of an operator or admin: an API key, or from signing in
\`\`\`

A store of yours (\`postgresql.managed\` and so on) has no pods here: ask its owner. \`slipway doctor\` (\`helm test "$release" -n "$namespace" --logs\`)
asks every store and says what is wrong and how to mend it. On one machine: \`./slipway doctor\`, \`./slipway logs\`, \`./slipway status\`.
`

if (import.meta.main) writeFileSync(`${runbooks}README.md`, runbookIndex())
