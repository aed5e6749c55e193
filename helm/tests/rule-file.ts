import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parseAllDocuments, stringify } from 'yaml'

/**
 * What the Prometheus Operator would make of PrometheusRules: one rule file, for a Prometheus without it and for promtool.
 * `helm template … | node helm/tests/rule-file.ts > rules.yaml`; `--for 10s` has every alert fire as soon as that, to see them after faults.
 */
export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface RuleGroup {
  readonly name: string
  readonly rules: readonly Rule[]
}

interface Rendered {
  readonly kind: string
  // oxlint-disable-next-line typescript/no-explicit-any -- as many shapes as kinds
  readonly spec?: any
}

export function ruleGroups(objects: readonly Rendered[]): RuleGroup[] {
  return objects.filter(({ kind }) => kind === 'PrometheusRule').flatMap(({ spec }) => spec.groups as RuleGroup[])
}

export function ruleFile(groups: readonly RuleGroup[], patience?: string): string {
  const hurried = (rule: Rule): Rule => (rule.alert !== undefined && patience !== undefined ? { ...rule, for: patience } : rule)
  return stringify({ groups: groups.map(({ name, rules }) => ({ name, rules: rules.map(hurried) })) })
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { for: { type: 'string' } } })
  const objects = parseAllDocuments(readFileSync(0, 'utf8')).map((document) => document.toJS() as Rendered | null)
  process.stdout.write(ruleFile(ruleGroups(objects.filter((object) => object !== null)), values.for))
}
