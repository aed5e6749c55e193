import { randomBytes, randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { eicar, testScanner } from '@slipway/testing'
import { expect, it, vi } from 'vitest'
import { type Assembly, createAssembler, newAssembly } from './assembly.ts'
import { type GateUnderTest, openGate, openUploads, quarantined, readable, streamed } from './gate.fixtures.ts'
import { connectionOf } from './storage.ts'

const { maxFileBytes } = testScanner()
/** Sooner than in life, and no pace is fast enough for it. */
const crowd = { seconds: 0.1, bytesPerSecond: 1e12 }
/** More than an upload holds without memory for a part. */
const some = 100_000

/** An upload whose client sends so much and then nothing; `begun` when that is through. */
function drip({ gate }: GateUnderTest, bytes: number, tenantId = 'tenant-1') {
  const source = new PassThrough()
  const begun = Promise.withResolvers<void>()
  const onProgress = (sent: number) => {
    if (sent === bytes) begun.resolve()
  }
  const place = { bucket: readable, key: randomUUID(), tenantId, maxBytes: maxFileBytes, onProgress }
  const answer = gate.accept(source, place).then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? 'another failure',
  )
  source.write(randomBytes(bytes))
  return { source, answer, begun: begun.promise }
}

async function expectAccepted({ gate, storage }: GateUnderTest): Promise<void> {
  const place = { bucket: readable, key: randomUUID(), tenantId: 'tenant-2', maxBytes: maxFileBytes }
  const accepted = await gate.accept(streamed(randomBytes(some)), place)
  if (!accepted.promote) throw new Error('expected a clean verdict')
  await accepted.promote()
  expect(await storage.head(place)).toMatchObject({ size: some })
}

it('a place at clamd: who sends slowly makes room, and nothing of it is left', async () => {
  await using test = await openGate({ crowd, scanner: { connections: 1 } })
  const slow = drip(test, 10)
  await slow.begun
  await expectAccepted(test)
  expect(await slow.answer).toBe('service.overloaded')
  expect(slow.source.destroyed).toBe(true)
  expect(test.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  expect(await quarantined(test.storage)).toEqual([])
  expect(await openUploads(test.storage)).toBe(0)
})

it('memory: one of those who have all of it makes room, the others stay', async () => {
  await using test = await openGate({ crowd, scanner: { connections: 20 } })
  const { parts } = connectionOf(test.storage)
  const slow = []
  while (parts.hasSpare) {
    const one = drip(test, some)
    await one.begun
    slow.push(one)
  }
  await expectAccepted(test)
  expect(slow.filter(({ source }) => source.destroyed)).toHaveLength(1)
  for (const { source } of slow) if (!source.destroyed) source.end()
  const answers = await Promise.all(slow.map(({ answer }) => answer))
  expect(answers.toSorted()).toEqual([...Array.from({ length: slow.length - 1 }, () => 'accepted'), 'service.overloaded'])
})

it('memory of uploads in several requests: what has come is kept', async () => {
  await using test = await openGate({ crowd, scanner: { connections: 20 } })
  const { parts } = connectionOf(test.storage)
  const assembler = createAssembler(test.storage)
  const kept: Assembly[] = []
  using all = new DisposableStack()
  while (parts.hasSpare) {
    const ledger = {
      nextPart: async () => 1,
      keep: async (assembly: Assembly) => void kept.push(assembly),
    }
    const pause = () => void open.pause().then(() => open[Symbol.dispose]())
    const { signal } = new AbortController()
    const open = all.use(assembler.open(newAssembly(`t/files/t/${randomUUID()}`), { ledger, signal, onCrowded: pause }))
    await open.append(randomBytes(some))
  }
  await expectAccepted(test)
  expect(kept.map(({ rests }) => rests.map(({ size }) => size))).toEqual([[some]])
})

it('a tenant that has all places, and sends fast enough, gives one to the tenant that has none', async () => {
  await using test = await openGate({ crowd: { seconds: 0.1, bytesPerSecond: 0 }, scanner: { connections: 3 } })
  const all = []
  for (let place = 0; place < 3; place++) {
    const one = drip(test, 1000)
    await one.begun
    all.push(one)
  }
  await expectAccepted(test)
  expect(all.filter(({ source }) => source.destroyed)).toHaveLength(1)
  for (const { source } of all) if (!source.destroyed) source.end()
  const answers = await Promise.all(all.map(({ answer }) => answer))
  expect(answers.toSorted()).toEqual(['accepted', 'accepted', 'service.overloaded'])
})

it('a tenant with many uploads in the queue delays the one upload of another by one place', async () => {
  await using test = await openGate({ scanner: { connections: 1 } })
  const first = drip(test, 1000)
  await first.begun
  const order: string[] = []
  const many = Array.from({ length: 10 }, () => ({ name: 'many', upload: drip(test, 1000) }))
  await vi.waitFor(() => expect(test.scanner.load().waiting).toBe(10))
  const one = { name: 'one', upload: drip(test, 1000, 'tenant-2') }
  await vi.waitFor(() => expect(test.scanner.load().waiting).toBe(11))
  const answers = [...many, one].map(async ({ name, upload }) => {
    upload.source.end()
    // When its bytes are taken it has its place; answers depend on the store as well.
    await upload.begun
    order.push(name)
    expect(await upload.answer).toBe('accepted')
  })
  first.source.end()
  await Promise.all(answers)
  expect(order.indexOf('one')).toBe(0)
})

it('nobody is a guest any more who has given back everything, whatever came of the upload', async () => {
  await using test = await openGate({ scanner: { connections: 2 } })
  const { crowd: guests } = connectionOf(test.storage)
  const place = () => ({ bucket: readable, key: randomUUID(), tenantId: 'tenant-1', maxBytes: maxFileBytes })
  await expectAccepted(test)
  expect(guests.size).toBe(0)
  const infected = await test.gate.accept(streamed(eicar()), place())
  expect([infected.verdict.verdict, guests.size]).toEqual(['infected', 0])
  await expect(test.gate.accept(streamed(randomBytes(1000)), { ...place(), maxBytes: 10 })).rejects.toMatchObject({
    code: 'file.too-large',
  })
  expect(guests.size).toBe(0)
  const pending = await test.gate.accept(streamed(randomBytes(some)), { ...place(), syncBytes: 0 })
  if (!('pending' in pending) || !pending.pending) throw new Error('expected a pending verdict')
  await pending.verdict
  expect(guests.size).toBe(0)
  await test.gate.resume(pending.quarantine)
  expect(guests.size).toBe(0)
})
