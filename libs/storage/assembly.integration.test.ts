import { createHash, randomBytes } from 'node:crypto'
import { AbortMultipartUploadCommand } from '@aws-sdk/client-s3'
import { problem } from '@slipway/problem'
import { testStorage } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Assembler, type Assembly, type AssemblyLedger, createAssembler, newAssembly } from './assembly.ts'
import { faultyStore, type GateUnderTest, openGate, openUploads, quarantined, readable } from './gate.fixtures.ts'
import { partBytes } from './part-pool.ts'
import { connectionOf } from './storage.ts'
import { abortOpenUploads } from './sweep.ts'

let test: GateUnderTest
let assembler: Assembler
beforeAll(async () => {
  test = await openGate()
  assembler = createAssembler(test.storage)
})
afterAll(() => test[Symbol.asyncDispose]())

const target = { bucket: readable, key: 't/f' }
const { signal } = new AbortController()
let prefixes = 0

/** A row, as far as the assembler can tell. */
function newRow(by = assembler) {
  const row = { assembly: newAssembly(`t/files/t/${prefixes++}`), number: 1, refuses: false }
  const refuse = () => {
    if (row.refuses) throw problem('upload.locked')
  }
  const ledger: AssemblyLedger = {
    nextPart: async () => {
      refuse()
      return row.number++
    },
    keep: async (assembly) => {
      refuse()
      // As a row has it: only what survives JSON.
      row.assembly = JSON.parse(JSON.stringify(assembly)) as Assembly
    },
  }
  const open = () => by.open(row.assembly, { ledger, signal })
  return Object.assign(row, { open, ledger })
}

async function send(row: ReturnType<typeof newRow>, bytes: Buffer, chunkBytes = 100_000): Promise<void> {
  using open = row.open()
  for (let at = 0; at < bytes.length; at += chunkBytes) await open.append(bytes.subarray(at, at + chunkBytes))
  await open.pause()
}

const keptBytes = ({ parts, rests }: Assembly) => [...parts, ...rests].reduce((sum, { size }) => sum + size, 0)

/** Whether what the gate would scan and promote is what was sent. */
async function expectContent(row: ReturnType<typeof newRow>, bytes: Buffer) {
  using open = row.open()
  expect(open.size).toBe(bytes.length)
  const { quarantine, head } = await open.complete(target)
  expect(quarantine).toMatchObject({ bucket: 'quarantine', size: bytes.length, target })
  expect(head.equals(bytes.subarray(0, 4100))).toBe(true)
  const accepted = await test.gate.resume(quarantine)
  expect([accepted.size, accepted.sha256]).toEqual([bytes.length, createHash('sha256').update(bytes).digest('hex')])
  return quarantine
}

describe('an object in several requests', () => {
  const sizes = (...mebibytes: number[]) => mebibytes.map((size) => Math.round(size * 1_048_576))
  it.each<[string, number[], { parts: number; rests: number }]>([
    ['nothing', [], { parts: 0, rests: 0 }],
    ['one byte', [1], { parts: 0, rests: 1 }],
    ['less than a part, in three', sizes(0.3, 0.01, 1.2), { parts: 0, rests: 3 }],
    ['exactly a part', [partBytes], { parts: 1, rests: 0 }],
    ['a byte more than a part', [partBytes, 1], { parts: 1, rests: 1 }],
    ['two parts over three requests', sizes(5, 6, 5), { parts: 2, rests: 0 }],
    ['a rest that leaves a few bytes of the part', [partBytes - 7, 3, 20], { parts: 1, rests: 1 }],
    ['many parts in one request, then a rest', sizes(25.5, 0.25), { parts: 3, rests: 2 }],
  ])('%s', async (_name, requests, pieces) => {
    const row = newRow()
    const bytes = randomBytes(requests.reduce((sum, size) => sum + size, 0))
    let at = 0
    for (const size of requests) await send(row, bytes.subarray(at, (at += size)))
    expect(keptBytes(row.assembly)).toBe(bytes.length)
    expect([row.assembly.parts.length, row.assembly.rests.length]).toEqual([pieces.parts, pieces.rests])
    const quarantine = await expectContent(row, bytes)
    await assembler.discard({ ...row.assembly, upload: null })
    await test.gate.discard(quarantine)
    expect(await quarantined(test.storage)).toEqual([])
    expect(await openUploads(test.storage)).toBe(0)
  })

  it('small requests are united, so that a part is not fetched in thousands of pieces', async () => {
    const row = newRow()
    const bytes = randomBytes(40 * 3000)
    let most = 0
    for (let at = 0; at < bytes.length; at += 3000) {
      await send(row, bytes.subarray(at, at + 3000))
      most = Math.max(most, row.assembly.rests.length)
    }
    expect(most).toBe(16)
    expect(await quarantined(test.storage)).toHaveLength(row.assembly.rests.length)
    await expectContent(row, bytes)
  })

  it('the last bytes and the end in one go need no rest', async () => {
    const row = newRow()
    const bytes = randomBytes(70_000)
    using open = row.open()
    await open.append(bytes)
    const { quarantine } = await open.complete(target)
    expect(row.assembly).toMatchObject({ upload: null, parts: [], rests: [] })
    expect((await test.gate.resume(quarantine)).sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  })
})

describe('an end that is not heard of', () => {
  it('after the parts were joined: the next one finds the object', async () => {
    const row = newRow()
    const bytes = randomBytes(partBytes + 1000)
    await send(row, bytes)
    using first = row.open()
    const made = await first.complete(target)
    using second = row.open()
    expect((await second.complete(target)).quarantine).toEqual(made.quarantine)
    await expectContent(row, bytes)
  })

  it('before the parts were joined: the last part was kept', async () => {
    const row = newRow()
    const bytes = randomBytes(partBytes + 1000)
    await send(row, bytes.subarray(0, partBytes))
    using open = row.open()
    await open.append(bytes.subarray(partBytes))
    const keep = row.ledger.keep.bind(row.ledger)
    row.ledger.keep = async (assembly) => {
      await keep(assembly)
      throw new Error('killed')
    }
    await expect(open.complete(target)).rejects.toThrow('killed')
    row.ledger.keep = keep
    expect(keptBytes(row.assembly)).toBe(bytes.length)
    await expectContent(row, bytes)
  })
})

describe('a writer that somebody else has taken over from', () => {
  it('gets to write nothing that counts, and spoils nothing', async () => {
    const row = newRow()
    const bytes = randomBytes(2 * partBytes)
    await send(row, bytes.subarray(0, partBytes))
    const { upload, parts } = row.assembly
    // The number is given, then the lock is lost, and the other one sends the same bytes under the next number.
    const late = await row.ledger.nextPart()
    await send(row, bytes.subarray(partBytes))
    const { client, bucket } = connectionOf(test.storage)
    const { UploadPartCommand } = await import('@aws-sdk/client-s3')
    const wrong = { Bucket: bucket('quarantine'), Key: upload!.key, UploadId: upload!.id, PartNumber: late, Body: randomBytes(partBytes) }
    await client.send(new UploadPartCommand(wrong))
    expect(row.assembly.parts.map(({ number }) => number)).toEqual([parts[0]!.number, late + 1])
    await expectContent(row, bytes)
  })

  it('is told so at the next part and at the end of its request', async () => {
    const row = newRow()
    row.refuses = true
    await expect(send(row, randomBytes(1000))).rejects.toMatchObject({ code: 'upload.locked' })
    await expect(send(row, randomBytes(partBytes + 5))).rejects.toMatchObject({ code: 'upload.locked' })
    expect(row.assembly).toMatchObject({ parts: [], rests: [] })
    expect(await openUploads(test.storage)).toBe(0)
  })
})

describe('a store that has dropped what was kept', () => {
  it.each([
    ['the next part', (row: ReturnType<typeof newRow>) => send(row, randomBytes(partBytes))],
    ['the end', (row: ReturnType<typeof newRow>) => row.open().complete(target)],
  ])('is noticed by %s', async (_name, go) => {
    const row = newRow()
    await send(row, randomBytes(partBytes))
    const { client, bucket } = connectionOf(test.storage)
    const { id, key } = row.assembly.upload!
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket('quarantine'), Key: key, UploadId: id }))
    await expect(go(row)).rejects.toMatchObject({ code: 'resource.gone' })
  })

  it('is noticed when a rest is missing', async () => {
    const row = newRow()
    await send(row, randomBytes(1000))
    await test.storage.remove({ bucket: 'quarantine', key: row.assembly.rests[0]!.key })
    await expect(row.open().complete(target)).rejects.toMatchObject({ code: 'resource.gone' })
  })
})

describe('a store whose answer breaks off', () => {
  it('while a rest is fetched is a failure of the store, and the next try goes on', async () => {
    await using store = await faultyStore((await testStorage()).config.endpoint)
    await using under = await openGate({ endpoint: store.endpoint })
    const row = newRow(createAssembler(under.storage))
    const bytes = randomBytes(300_000)
    await send(row, bytes)
    const kept = row.assembly
    store.fault = ({ method }) => (method === 'GET' ? { cutAfter: 100_000 } : 'pass')
    await expect(row.open().complete(target)).rejects.toMatchObject({ code: 'storage.unavailable', status: 503 })
    expect(row.assembly).toEqual(kept)
    store.fault = () => 'pass'
    const { quarantine, head } = await row.open().complete(target)
    expect([quarantine.size, head.equals(bytes.subarray(0, 4100))]).toEqual([bytes.length, true])
  })
})

describe('open uploads', () => {
  it('that a row refers to are not aborted, others are', async () => {
    const kept = newRow()
    const other = newRow()
    const bytes = randomBytes(partBytes)
    await send(kept, bytes)
    await send(other, bytes)
    const olderThan = new Date(Date.now() + 60_000)
    const asked: string[] = []
    const isKnown = async (keys: string[]) => {
      asked.push(...keys)
      return new Set([kept.assembly.upload!.key])
    }
    expect(await abortOpenUploads(test.storage, { olderThan, isKnown })).toBe(1)
    expect(asked.sort()).toEqual([kept.assembly.upload!.key, other.assembly.upload!.key].sort())
    await expectContent(kept, bytes)
    await expect(other.open().complete(target)).rejects.toMatchObject({ code: 'resource.gone' })
  })

  it('are gone when they are discarded, with their rests', async () => {
    const row = newRow()
    await send(row, randomBytes(partBytes + 10))
    await assembler.discard(row.assembly)
    expect(await openUploads(test.storage)).toBe(0)
    expect((await quarantined(test.storage)).filter((key) => key.startsWith(row.assembly.prefix))).toEqual([])
  })
})
