import { Readable } from 'node:stream'
import { createStorage, type Storage } from '@slipway/storage'
import { openVault } from '@slipway/storage/backup'
import { testStorage } from '@slipway/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Asked, answer, scripted } from './client.fixtures.ts'
import { cleanContent, infectedContent } from './content.ts'
import type { FileState } from './ledger.ts'
import { contentOf, keysOf, readableBucket, startProbe } from './probe.ts'

const stack = new AsyncDisposableStack()
type Options = Awaited<ReturnType<typeof testStorage>>['config']
let config: Options
let storage: Storage
beforeAll(async () => {
  ;({ config } = stack.use(await testStorage()))
  storage = stack.use(createStorage(config))
  await storage.ensureBuckets([readableBucket])
})
afterAll(() => stack.disposeAsync())

/** Past the gate, as nothing else can. */
async function put(key: string, content: Buffer): Promise<void> {
  await using vault = openVault({ ...config, bucket: `${config.bucketPrefix}${readableBucket}` })
  await vault.put(key, Readable.from([content]))
}

async function probed(api: Awaited<ReturnType<typeof scripted>>, rounds = 1): Promise<number> {
  const probe = startProbe(api.client, config)
  await expect.poll(() => Math.min(probe.rounds.objects, probe.rounds.api), { timeout: 30_000 }).toBeGreaterThanOrEqual(rounds)
  await probe.stop()
  return probe.read
}

test('clean content of the load may be read, and nothing else', async () => {
  await using api = await scripted(answer(404))
  const clean = cleanContent(5000)
  api.ledger.open({ name: 'a', sha256: clean.sha256, size: 5000, isInfected: false })
  await put('t/clean', clean.bytes)
  expect(await probed(api)).toBe(1)
  expect(api.rules()).toEqual([])
  await put('t/foreign', infectedContent(1, 0).bytes)
  expect(await probed(api)).toBe(2)
  expect(api.ledger.violations).toMatchObject([{ rule: 'unscanned-readable', what: expect.stringContaining('t/foreign') }])
})

test('what comes after the last round is seen as well', async () => {
  await using api = await scripted(answer(404))
  const probe = startProbe(api.client, config)
  await expect.poll(() => probe.rounds.objects, { timeout: 30_000 }).toBeGreaterThanOrEqual(1)
  await put('t/late', Buffer.from('late'))
  await probe.stop()
  expect(api.ledger.violations.map(({ what }) => what)).toContain('t/late (4 bytes)')
})

test('an API that hangs does not keep it from the objects, and gaps are told', async () => {
  await using api = await scripted(() => undefined)
  Object.assign(api.ledger.open({ name: 'a', sha256: 'sha', size: 1, isInfected: true }), { state: 'refused', id: 'f1' })
  api.state.mayBreak = true
  const probe = startProbe(api.client, config)
  await expect.poll(() => probe.rounds.objects, { timeout: 30_000 }).toBeGreaterThanOrEqual(3)
  expect(probe.rounds.api).toBe(0)
  // Its least rest lies between two looks.
  expect(probe.longestGapMilliseconds).toBeGreaterThanOrEqual(250)
  await api[Symbol.asyncDispose]()
  await probe.stop()
})

test('keys come all, and removed content is none', async () => {
  expect(await keysOf(storage, readableBucket)).toContain('t/clean')
  expect(await contentOf(storage, 't/none')).toBeNull()
})

interface Case {
  readonly what: string
  readonly state: FileState
  readonly isInfected: boolean
  /** What the file says of itself, once its content could be had. */
  readonly file: ReturnType<typeof answer>
  readonly bytes?: Buffer
  readonly isViolation: boolean
}

const is = (verdict: string) => answer(200, { verdict })
const known = cleanContent(10)

test.each<Case>([
  { what: 'refused content', state: 'refused', isInfected: true, file: is('infected'), isViolation: true },
  { what: 'pending infected content', state: 'pending', isInfected: true, file: is('clean'), isViolation: true },
  { what: 'pending content', state: 'pending', isInfected: false, file: is('pending'), isViolation: true },
  { what: 'content that became clean meanwhile', state: 'pending', isInfected: false, file: is('clean'), isViolation: false },
  { what: 'content that became clean and is gone again', state: 'pending', isInfected: false, file: answer(404), isViolation: false },
  { what: 'content that nobody sent', state: 'pending', isInfected: false, file: answer(404), bytes: Buffer.from('x'), isViolation: true },
  { what: 'clean content', state: 'clean', isInfected: false, file: is('clean'), isViolation: false },
])('$what by the API', async ({ state, isInfected, file, bytes = known.bytes, isViolation }) => {
  await using api = await scripted((response, asked: Asked) =>
    asked.path.endsWith('/content') ? void response.end(bytes) : file(response, asked),
  )
  const { sha256 } = known
  api.ledger.knowClean(sha256)
  Object.assign(api.ledger.open({ name: 'a', sha256, size: 10, isInfected }), { state, id: 'f1' })
  await probed(api)
  expect(api.rules().includes('infected-accepted')).toBe(isViolation)
})
