import type { S3Manner } from '../s3-way.ts'
import type { Fault } from './fault.ts'

interface Case {
  readonly name: string
  readonly manner: S3Manner
  readonly seconds: number
}

const cases: readonly Case[] = [
  { name: 's3 answers 500 for one in twenty', manner: 'errors', seconds: 10 },
  { name: 's3 ten seconds slow', manner: 'slow', seconds: 25 },
  { name: 's3 cut in mid-part', manner: 'cut', seconds: 8 },
  { name: 's3 full', manner: 'full', seconds: 8 },
]

/** Content that has begun to flow can only break off. */
const breaks = (method: string) => method === 'GET'

export const storageFaults: readonly Fault[] = cases.map(({ name, manner, seconds }) => ({
  name,
  seconds,
  breaks,
  async begin({ world: { stores } }) {
    stores.s3Way.manner = manner
    return async () => {
      stores.s3Way.manner = 'pass'
    }
  },
}))
