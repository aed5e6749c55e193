import { Readable } from 'node:stream'
import { problem } from '@slipway/problem'
import type { Accepted, Pending, ScanGate } from '@slipway/storage'
import { describe, expect, it } from 'vitest'
import { measuredGate } from './observe.ts'

type Recorded = { verdict: string; reason?: string | undefined; bytes: number; seconds: number }

const verdict = { verdict: 'clean', raw: 'stream: OK', engine: 'ClamAV', database: '1', milliseconds: 250 } as const
const quarantine = { bucket: 'quarantine', key: 'k', size: 5, etag: 'e', target: { bucket: 'b', key: 'k' } } as const
const content = { size: 5, sha256: '', head: Buffer.alloc(0), quarantine }
const clean = {
  ...content,
  pending: false as const,
  verdict,
  promote: async () => ({ ...quarantine.target, size: 5, etag: 'e', contentType: '', sha256: '' }),
}

/** The gate itself has tests of its own; here it only has to give a certain answer. */
function gateThatGives(answer: Accepted | Pending): ScanGate {
  const accept = async () => answer
  return {
    accept: accept as ScanGate['accept'],
    resume: async () => clean,
    rescan: async () => ({ size: 5, sha256: '', verdict }),
    discard: async () => undefined,
    isolate: async () => undefined,
    reinstate: () => clean.promote(),
  }
}

function measured(gate: ScanGate) {
  const recorded: (Recorded | 'lost')[] = []
  const metrics = { record: (scan: Recorded) => void recorded.push(scan), lost: () => void recorded.push('lost') }
  return { recorded, gate: measuredGate(gate, metrics) }
}

const options = { bucket: 'b', key: 'k', maxBytes: 10, tenantId: 't' }
const once = { verdict: 'clean', reason: undefined, bytes: 5, seconds: 0.25 }

describe('measuredGate', () => {
  it('records a verdict that came with the upload, and gives the answer on', async () => {
    const { gate, recorded } = measured(gateThatGives(clean))
    expect(await gate.accept(Readable.from([]), options)).toBe(clean)
    expect(recorded).toEqual([once])
  })

  it('is the gate itself when nothing is to be recorded', () => {
    const gate = gateThatGives(clean)
    expect(measuredGate(gate, null)).toBe(gate)
  })

  it('records a pending verdict when it comes', async () => {
    const later = Promise.withResolvers<typeof clean>()
    const answer = {
      ...content,
      pending: true as const,
      accepted: later.promise,
      verdict: later.promise.then((outcome) => outcome.verdict),
    }
    const { gate, recorded } = measured(gateThatGives(answer))
    await gate.accept(Readable.from([]), { ...options, syncBytes: 1 })
    expect(recorded).toEqual([])
    later.resolve(clean)
    await later.promise
    expect(recorded).toEqual([once])
  })

  it('leaves a pending scan that fails to whoever settles it, and counts it', async () => {
    const failed = Promise.reject(problem('scanner.unavailable'))
    const answer = { ...content, pending: true as const, accepted: failed, verdict: failed }
    const { gate, recorded } = measured(gateThatGives(answer))
    await gate.accept(Readable.from([]), { ...options, syncBytes: 1 })
    await expect(failed).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(recorded).toEqual(['lost'])
  })

  it.each([
    ['a lost clamd', problem('scanner.unavailable'), ['lost', 'lost', 'lost']],
    ['a lost store', problem('storage.unavailable'), []],
    ['a client that went away', new Error('gone'), []],
  ])('counts what %s leaves without a verdict', async (_, error, expected) => {
    const fail = () => Promise.reject(error)
    const { gate, recorded } = measured({ ...gateThatGives(clean), accept: fail, resume: fail, rescan: fail })
    await expect(gate.accept(Readable.from([]), options)).rejects.toBe(error)
    await expect(gate.resume(quarantine)).rejects.toBe(error)
    await expect(gate.rescan({ bucket: 'b', key: 'k' })).rejects.toBe(error)
    expect(recorded).toEqual(expected)
  })

  it('records a scan that was taken up again, and one of what had been clean', async () => {
    const { gate, recorded } = measured(gateThatGives(clean))
    await gate.resume(quarantine)
    expect(recorded).toEqual([once])
    await gate.rescan({ bucket: 'b', key: 'k' })
    expect(recorded).toEqual([once, once])
  })
})
