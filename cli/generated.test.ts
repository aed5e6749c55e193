import { describe, expect, it } from 'vitest'
import { generatedFiles, staleFiles } from './generated.ts'

describe('generated files', () => {
  it('are those of the repository: run `./slipway generate` and commit when this fails', async () => {
    expect(await staleFiles()).toEqual([])
  })

  it('tell of the variables of the platform, of every service and of the migration', () => {
    const files = generatedFiles()
    for (const content of [files['.env.example'], files['docs/configuration.md']]) {
      for (const name of ['DATABASE_URL', 'FILES_SYNC_BYTES', 'IDENTITY_DB_RUNTIME_PASSWORD', 'FILES_DB_OWNER_PASSWORD']) {
        expect(content).toContain(name)
      }
    }
  })

  it('hold no value for what is secret', () => {
    const lines = generatedFiles()['.env.example']?.split('\n') ?? []
    const assigned = lines.filter((line) => /(PASSWORD|SECRET|CREDENTIAL|_KEY)=./.test(line))
    expect(assigned).toEqual([])
  })
})
