import { scannerLimits, testStores } from './stores.ts'

export interface TestScanner {
  readonly host: string
  readonly port: number
  readonly maxFileBytes: number
}

/** The clamd of the run: it knows the signature of EICAR only, and its limits are small. */
export function testScanner(): TestScanner {
  return { ...testStores().clamd, maxFileBytes: scannerLimits.maxFileBytes }
}
