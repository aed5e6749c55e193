import { defineConfig } from 'vitest/config'

/** It ends what hangs, and no test means it as a measure: on a busy machine a second of work takes many. */
const patience = { testTimeout: 60_000, hookTimeout: 60_000 }
const common = { pool: 'forks' as const, environment: 'node' as const, passWithNoTests: true, ...patience }

export default defineConfig({
  test: {
    // Most tests wait for stores and processes, not for a core.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['{libs,services,cli,docker,bench}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**', 'services/console/browser/**'],
        },
      },
      {
        test: {
          ...common,
          name: 'integration',
          include: ['{libs,services,cli}/**/*.integration.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: ['./libs/testing/global-setup.ts'],
        },
      },
      // One file after the other: they share a tenant, and a browser wants both cores.
      { test: { ...common, name: 'browser', include: ['services/console/browser/**/*.test.ts'], fileParallelism: false } },
      { test: { ...common, name: 'chart', include: ['helm/tests/**/*.test.ts'] } },
      { test: { ...common, name: 'e2e', include: ['e2e/**/*.test.ts'] } },
    ],
  },
})
