import { readFile, writeFile } from 'node:fs/promises'
import { configurationPage, environmentExample, type VariableGroup } from '@slipway/config'
import { apiDocument, variableGroups } from '@slipway/service'
import { metricsPage } from '@slipway/telemetry'
import { type ApiDocument, callTypes } from './call-types.ts'
import { commandVariables } from './command-variables.ts'
import { dashboardFiles } from './dashboards/dashboards.ts'
import { doctorPage } from './doctor/page.ts'
import { nginxProblems, nginxRoutes } from './edge/nginx.ts'
import { services } from './services.ts'

const root = new URL('../', import.meta.url)

/** The files of the repository that are written from declarations, by path from its root. */
export function generatedFiles(): Readonly<Record<string, string>> {
  const groups: VariableGroup[] = [
    ...variableGroups(services),
    { title: 'Migration, `slipway migrate` only', tree: commandVariables(services) },
  ]
  return {
    '.env.example': environmentExample(groups),
    'docs/configuration.md': configurationPage(groups),
    'docs/metrics.md': metricsPage(),
    'docs/operate/doctor.md': doctorPage(),
    'docker/nginx/problems.conf': nginxProblems(),
    'docker/nginx/templates/routes.conf.template': nginxRoutes(services),
    ...dashboardFiles(),
    'services/console/api/calls.generated.ts': callTypes(services.map((manifest) => apiDocument(manifest) as unknown as ApiDocument)),
  }
}

/** Paths of the files that differ from their declarations. */
export async function staleFiles(): Promise<string[]> {
  const stale = await Promise.all(
    Object.entries(generatedFiles()).map(async ([path, wanted]) => ((await contentOf(path)) === wanted ? [] : [path])),
  )
  return stale.flat()
}

export async function writeGenerated(): Promise<string[]> {
  const stale = await staleFiles()
  const files = generatedFiles()
  for (const path of stale) await writeFile(new URL(path, root), files[path] ?? '')
  return stale
}

async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(new URL(path, root), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
