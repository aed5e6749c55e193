import type { Command } from './command.ts'

interface Entry {
  readonly summary: string
  /** Started by the command itself, not by people. */
  readonly hidden?: boolean
  /** Loaded on use: `status` must not wait for the modules of `up`. */
  readonly load: () => Promise<Command>
}

export const commands: Readonly<Record<string, Entry>> = {
  up: { summary: 'start everything and print how to use it', load: async () => (await import('./commands/up.ts')).up },
  down: { summary: 'stop everything in order; data stays', load: async () => (await import('./commands/down.ts')).down },
  reset: { summary: 'stop everything and delete its data', load: async () => (await import('./commands/reset.ts')).reset },
  status: { summary: 'what runs, since when, restarted how often', load: async () => (await import('./commands/status.ts')).status },
  logs: { summary: 'the logs of all processes, or of one', load: async () => (await import('./commands/logs.ts')).logs },
  migrate: {
    summary: 'apply migrations and make missing buckets',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
  doctor: {
    summary: 'check everything; say what is wrong and how to fix it',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  backup: {
    summary: 'copy Postgres and all objects to where backups lie',
    load: async () => (await import('./commands/backup.ts')).backupCommand,
  },
  backups: { summary: 'the backups that there are', load: async () => (await import('./commands/backups.ts')).backups },
  restore: { summary: 'bring a backup back', load: async () => (await import('./commands/restore.ts')).restore },
  test: { summary: 'types, lint, unit, integration and black-box tests', load: async () => (await import('./commands/test.ts')).test },
  chaos: {
    summary: 'break everything around the scan gate under load, and count what comes of it',
    load: async () => (await import('./commands/chaos.ts')).chaos,
  },
  generate: {
    summary: 'write .env.example, docs/configuration.md, dashboards and other files from the declarations',
    load: async () => (await import('./commands/generate.ts')).generate,
  },
  operator: { summary: 'make a person a platform operator', load: async () => (await import('./commands/operator.ts')).operator },
  demo: {
    summary: 'make a demo tenant, a person and an API key on an installation that catches mails; print them as variables',
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  mail: { summary: 'take all mails and deliver none, for development', load: async () => (await import('./commands/mail.ts')).mail },
  'database-token': {
    summary: 'print a token with which a role signs in to Postgres, where none has a password',
    load: async () => (await import('./commands/database-token.ts')).databaseToken,
  },
  'cluster-secrets': {
    summary: 'make what is missing in the Secret of an installation on Kubernetes',
    hidden: true,
    load: async () => (await import('./commands/cluster-secrets.ts')).clusterSecrets,
  },
  'backup-step': {
    summary: 'a part of a backup or restore, in a container of a pod',
    hidden: true,
    load: async () => (await import('./commands/backup-step.ts')).backupStep,
  },
  help: { summary: 'this list', load: async () => (await import('./commands/help.ts')).help },
  supervise: { summary: 'hold a stack; run by `up`', hidden: true, load: async () => (await import('./commands/supervise.ts')).supervise },
}

export const commandNames: readonly string[] = Object.keys(commands).filter((name) => !commands[name]?.hidden)
