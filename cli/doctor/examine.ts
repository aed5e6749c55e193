import { ConfigError, type Environment } from '@slipway/config'
import type { Home } from '../home.ts'
import { installedServices } from '../services.ts'
import { liveState, type StackState } from '../supervisor/state.ts'
import { findTargetIfAny, type Target } from '../target.ts'
import { backupChecks } from './backups.ts'
import { type Check, type Finding, fault } from './checks.ts'
import { environmentFacts, type Subject, stackFacts } from './facts.ts'
import { fillFix, type Installation } from './fix.ts'
import { processChecks } from './processes.ts'
import { runChecks } from './run-checks.ts'
import { hideSecrets, secretsOf } from './secrets.ts'
import { storeChecks } from './stores.ts'
import { surroundingsChecks } from './surroundings.ts'
import { temporary } from './temporary.ts'

/** Everything that can be looked at from here, in the words of whoever configures it. */
export async function examine(home: Home, environment: Environment): Promise<Finding[]> {
  const state = liveState(home.state)
  const installation = installationOf(environment, state)
  const subject = subjectOf({ home, state, environment, installation })
  const target = 'target' in subject ? subject.target : undefined
  const findings = [
    ...('findings' in subject ? subject.findings : []),
    ...(await runChecks([
      ...(await checksOfMachine({ home, state, isElsewhere: subject !== nothing && state === null })),
      ...('facts' in subject ? checksOf(subject) : []),
      ...(state ? processChecks(home, state) : []),
    ])),
  ]
  const secrets = secretsOf(environment, target)
  return findings.map((finding) => inWords(finding, installation, secrets))
}

function installationOf(environment: Environment, state: StackState | null): Installation {
  if (state) return 'stack'
  // Set by every kubelet.
  return environment['KUBERNETES_SERVICE_HOST'] ? 'chart' : 'environment'
}

interface Place {
  readonly home: Home
  readonly state: StackState | null
  readonly environment: Environment
  readonly installation: Installation
}

const nothing = {}

/** Or why there is none: then nothing but that can be told. */
function subjectOf(place: Place): Subject | { readonly findings: Finding[] } | typeof nothing {
  try {
    const target = findTargetIfAny(place.home, place.environment)
    return target ? subjectAt(target, place) : nothing
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { findings: error.faults.map((what) => ({ name: 'configuration', ...fault('configuration.invalid', what) })) }
  }
}

function subjectAt(target: Target, { home, state, environment, installation }: Place): Subject {
  const manifests = installedServices(environment)
  const facts = state ? stackFacts(state, { home, environment, manifests }) : environmentFacts(environment, manifests)
  return { target, manifests, facts, installation }
}

function checksOf(subject: Subject): Check[] {
  return [...storeChecks(subject), ...backupChecks(subject.target), ...surroundingsChecks(subject)]
}

/** All of it only where a stack runs or may run: an installation elsewhere has no use for this machine, and its images lack the modules. */
async function checksOfMachine({ home, state, isElsewhere }: Pick<Place, 'home' | 'state'> & { isElsewhere: boolean }): Promise<Check[]> {
  if (isElsewhere) return [{ name: 'temporary files', run: temporary }]
  const { machineChecks } = await import('./machine.ts')
  return machineChecks(home, state)
}

function inWords({ what, fix, ...finding }: Finding, installation: Installation, secrets: readonly string[]): Finding {
  const instruction = fix === undefined ? {} : { fix: hideSecrets(fillFix(fix, installation), secrets) }
  return { ...finding, what: hideSecrets(what, secrets), ...instruction }
}
