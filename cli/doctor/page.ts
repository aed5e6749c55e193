import { faults } from './faults.ts'
import { fillFix } from './fix.ts'

/** docs/operate/doctor.md: everything that `slipway doctor` knows by name. */
export function doctorPage(): string {
  const rows = Object.entries(faults).map(
    ([id, { level, title, why, fix }]) => `| \`${id}\` | ${level} | ${title} | ${why} | ${fillFix(fix, 'environment')} |`,
  )
  return [
    ...opening,
    '| fault | level | found | why it matters | fix |',
    '|---|---|---|---|---|',
    ...rows.map((row) => row.replaceAll(/\{|\}/g, '')),
    '',
  ].join('\n')
}

const opening = [
  '# What the doctor finds',
  '',
  '<!-- Written by `./slipway generate` from cli/doctor/faults/. -->',
  '',
  '```sh',
  './slipway doctor                # the stack of this machine, or the installation that the environment names (DATABASE_URL, …)',
  './slipway doctor --json         # the same for programs',
  'helm test <release> --logs      # in the cluster, as a pod with what processes have',
  './slipway doctor --reconcile    # instead: the rows of every service and the objects in its buckets, both ways',
  '```',
  '',
  'Every part is looked at by itself, all side by side, none for longer than 20 s; what builds on a part that has failed is left out. It changes',
  'nothing but for a small object, a job and a key of its own, all removed again but for the key `<REDIS_KEY_PREFIX>:installation` (30 days), by which releases with one',
  'prefix find out. Passwords are never printed.',
  '',
  '`--reconcile` says what is lost (rows without their object, or with one of another size) and what nobody knows (objects without a row, uploads that nobody',
  'ends), in a minute and a half for a million objects and in memory that hardly grows with them. Objects that are younger than a day are left alone (`--older-than HOURS`).',
  '`--repair` removes what nobody knows; what is lost comes back from a backup. Workers do the same once a day, and tell what is lost in their log.',
  '',
  '| exit code | |',
  '|---|---|',
  '| 0 | well; warnings do not count |',
  '| 1 | something has failed |',
  '| 2 | called wrongly |',
  '',
  '`--json` prints `{ "findings": [ … ] }`, in the order of the lines:',
  '',
  '| member | |',
  '|---|---|',
  '| `name` | what was looked at, such as `redis eviction` or `schema files` |',
  '| `level` | `ok`, `warn` or `fail` |',
  '| `fault` | the name of the fault in the table below; null when it is well |',
  '| `what` | what was found, for people |',
  '| `why`, `fix` | what comes of it, what to do; absent when it is well |',
  '',
  'Where the chart configures the installation, fixes name its values instead of variables. Details of a fix (the name of a table, a role, a',
  'region) come with the finding.',
  '',
]
