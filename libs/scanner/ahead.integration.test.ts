import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { tarOf, type ZipEntry, zipOf } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clamdWith, type OwnClamd } from './ahead.fixtures.ts'
import { scanAhead } from './ahead.ts'
import { streamedZipOf } from './archive.fixtures.ts'
import { archiveLimits } from './inspect.ts'

const hex = (text: string) => Buffer.from(text).toString('hex')
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')
const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex')

type Pack = (members: ZipEntry[]) => Buffer
const packs: Record<string, Pack> = {
  'a deflated zip': (members) => zipOf(members),
  'a stored zip': (members) => zipOf(members.map((member) => ({ ...member, stored: true }))),
  'a zip that was written to a pipe': (members) =>
    streamedZipOf(members.map(({ name, content }) => ({ name, content: Buffer.from(content) }))),
  'a tar': (members) => tarOf(members),
}

/** Different in each archive, as clamd remembers what it has seen; and deflates, so that nothing of it stands in the archive as it is. */
const noise = () => Buffer.from(randomBytes(1500).toString('hex'))
const filler = (count: number): ZipEntry[] => Array.from({ length: count }, (_, index) => ({ name: `filler-${index}`, content: noise() }))
const needle = (text: string) => Buffer.concat([noise(), Buffer.from(text), noise()])
const amid = (...members: ZipEntry[]) => [...filler(3), ...members, ...filler(3)]

/** What one signature of each kind has to match, packed; `always` in every pack. */
const kinds: [kind: string, make: (pack: Pack) => Buffer][] = [
  ['a body of a member', (pack) => pack(amid({ name: 'a', content: needle('NEEDLE-BODY') }))],
  [
    'a body at the beginning of a member',
    (pack) => pack(amid({ name: 'a', content: Buffer.concat([Buffer.from('NEEDLE-HEAD'), noise()]) })),
  ],
  ['a text, as it is normalised', (pack) => pack(amid({ name: 'a.txt', content: `${'Some  TEXT '.repeat(30)}NEEDLE-TEXT and more` }))],
  ['a program', (pack) => pack(amid({ name: 'a.exe', content: Buffer.concat([Buffer.from('MZ'), needle('NEEDLE-PROGRAM')]) }))],
  ['a member of a zip only', (pack) => pack(amid({ name: 'a', content: needle('NEEDLE-IN-ZIP') }))],
  ['a member of a tar only', (pack) => pack(amid({ name: 'a', content: needle('NEEDLE-IN-TAR') }))],
  ['a gzip in a zip only', (pack) => pack(amid({ name: 'a.gz', content: gzipSync(needle('NEEDLE-GZIP-ZIP')) }))],
  ['a gzip in a tar only', (pack) => pack(amid({ name: 'a.gz', content: gzipSync(needle('NEEDLE-GZIP-TAR')) }))],
  ['two bodies of one member', (pack) => pack(amid({ name: 'a', content: Buffer.concat([needle('NEEDLE-ONE'), needle('NEEDLE-TWO')]) }))],
  [
    'two bodies of two members',
    (pack) => pack(amid({ name: 'a', content: needle('NEEDLE-ONE') }, { name: 'b', content: needle('NEEDLE-TWO') })),
  ],
  ['the name of a member', (pack) => pack(amid({ name: 'evil.name', content: noise() }))],
  ['the place of a member', (pack) => pack([...filler(20), { name: 'placed.name', content: noise() }])],
  ['a hash of a member', (pack) => pack(amid({ name: 'a', content: known }))],
  ['a member in a zip in it', (pack) => pack(amid({ name: 'i.zip', content: zipOf(amid({ name: 'a', content: needle('NEEDLE-BODY') })) }))],
  ['a member in a tar in it', (pack) => pack(amid({ name: 'i.tar', content: tarOf(amid({ name: 'a', content: needle('NEEDLE-BODY') })) }))],
  [
    'the name of a member in a zip in it',
    (pack) => pack(amid({ name: 'i.zip', content: zipOf([{ name: 'evil.name', content: noise() }]) })),
  ],
  ['a member in a gzip in it', (pack) => pack(amid({ name: 'a.gz', content: gzipSync(needle('NEEDLE-BODY')) }))],
  ['the beginning of the archive and a member', (pack) => pack(amid({ name: 'a', content: needle('NEEDLE-FRONT') }))],
  ['a body across two members', (pack) => pack(amid({ name: 'one-NEEDLE', content: '' }, { name: '-NAMES-two', content: noise() }))],
  ['nothing', (pack) => pack(filler(8))],
]

const known = Buffer.from('a member whose hash is known'.repeat(100))
/** By hash as a whole. */
const wholes = Object.values(packs).flatMap((pack) => [pack(filler(6)), pack(filler(6))])

const signatures = {
  'a.ndb': [
    `Body:0:*:${hex('NEEDLE-BODY')}`,
    `Head:0:0:${hex('NEEDLE-HEAD')}`,
    `Text:7:*:${hex('needle-text')}`,
    `Program:1:*:${hex('NEEDLE-PROGRAM')}`,
    `Front-Zip:0:0:504b0304*${hex('NEEDLE-FRONT')}`,
    `Front-Tar:0:0:${hex('filler-0')}*${hex('NEEDLE-FRONT')}`,
    `Across:0:*:${hex('one-NEEDLE')}*${hex('-NAMES-two')}`,
  ],
  'a.ldb': [
    `In-Zip;Engine:81-255,Container:CL_TYPE_ZIP,Target:0;0;${hex('NEEDLE-IN-ZIP')}`,
    `In-Tar;Engine:81-255,Container:CL_TYPE_POSIX_TAR,Target:0;0;${hex('NEEDLE-IN-TAR')}`,
    `Gzip-Zip;Engine:81-255,Intermediates:CL_TYPE_ZIP>CL_TYPE_GZ,Target:0;0;${hex('NEEDLE-GZIP-ZIP')}`,
    `Gzip-Tar;Engine:81-255,Intermediates:CL_TYPE_POSIX_TAR>CL_TYPE_GZ,Target:0;0;${hex('NEEDLE-GZIP-TAR')}`,
    `Two;Engine:81-255,Target:0;0&1;${hex('NEEDLE-ONE')};${hex('NEEDLE-TWO')}`,
  ],
  'a.cdb': ['Name:*:*:^evil\\.name$:*:*:*:*:*:*', 'Placed:*:*:^placed\\.name$:*:*:*:21:*:*'],
  'a.hsb': [`Known:0`, ...wholes.map((whole, index) => `${sha256(whole)}:${whole.length}:Whole-${index}:73`)].slice(1),
  'a.hdb': [`${md5(known)}:${known.length}:Known`],
}

const database = Object.fromEntries(Object.entries(signatures).map(([name, lines]) => [name, `${lines.join('\n')}\n`]))
const limits = archiveLimits(16 * 1_048_576)
const signal = new AbortController().signal

/** Of two clamds one gets the members ahead, and the other one has never seen anything of the archive. */
let prepared: OwnClamd
let plain: OwnClamd
beforeAll(async () => {
  prepared = await clamdWith(database)
  plain = await clamdWith(database)
})
afterAll(async () => {
  await prepared?.[Symbol.asyncDispose]()
  await plain?.[Symbol.asyncDispose]()
})

/** Slowly enough that every member goes ahead. */
async function scanPrepared(content: Buffer, batchBytes: number) {
  const ahead = scanAhead({ scanner: prepared.scanner, limits, signal, batchBytes })
  for (let at = 0; at < content.length; at += 777) {
    ahead.add(content.subarray(at, at + 777))
    await ahead.settled()
  }
  const isWalked = await ahead.finish()
  const { verdict, raw } = await prepared.scanner.scan(Readable.from([content]))
  ahead.stop()
  return { verdict, raw, isWalked, members: ahead.members }
}

const scanPlain = async (content: Buffer) => await plain.scanner.scan(Readable.from([content]))

describe.each(Object.entries(packs))('%s', (_, pack) => {
  it.each(kinds)('is judged as by one scan when a signature is for %s', async (_kind, make) => {
    for (const batchBytes of [1, 5000]) {
      const content = make(pack)
      const { verdict, raw } = await scanPlain(content)
      expect(await scanPrepared(content, batchBytes)).toMatchObject({ verdict, raw })
    }
  })

  it('is scanned ahead, member by member', async () => {
    expect(await scanPrepared(pack(filler(20)), 1)).toMatchObject({ isWalked: true, verdict: 'clean', members: 20 })
    expect((await scanPrepared(pack(filler(20)), 7000)).members).toBeGreaterThan(14)
  })
})

/** Of the kinds above, in their order: the packs in which clamd finds it. */
const everywhere = Object.keys(packs)
const zips = everywhere.filter((name) => name.includes('zip'))
const raw = ['a stored zip', 'a tar']
const foundIn: Record<string, string[]> = {
  'a member of a zip only': zips,
  'a member of a tar only': ['a tar'],
  'a gzip in a zip only': zips,
  'a gzip in a tar only': ['a tar'],
  'two bodies of two members': raw,
  'the beginning of the archive and a member': raw,
  nothing: [],
}

it('is asked for nothing that clamd would not find', async () => {
  const found = new Map<string, string[]>()
  for (const [kind, make] of kinds) {
    const verdicts = await Promise.all(Object.entries(packs).map(async ([name, pack]) => [name, (await scanPlain(make(pack))).verdict]))
    found.set(
      kind,
      verdicts.filter(([, verdict]) => verdict === 'infected').map(([name]) => String(name)),
    )
  }
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(kinds.map(([kind]) => [kind, foundIn[kind] ?? everywhere])))
})

it('needs its members in an archive of the same kind: clamd forgets in what it has seen one on its own', async () => {
  const member = gzipSync(needle('NEEDLE-GZIP-ZIP'))
  const content = zipOf(amid({ name: 'a.gz', content: member }))
  expect(await prepared.scanner.scan(Readable.from([member]))).toMatchObject({ verdict: 'clean' })
  expect(await prepared.scanner.scan(Readable.from([content]))).toMatchObject({ verdict: 'clean' })
  expect(await scanPlain(content)).toMatchObject({ verdict: 'infected' })
})

describe('random archives', () => {
  const words = ['BODY', 'HEAD', 'IN-ZIP', 'IN-TAR', 'GZIP-ZIP', 'GZIP-TAR', 'ONE', 'TWO', 'FRONT', 'NAMES'].map((word) => `NEEDLE-${word}`)
  /** Repeats itself with its seed. */
  function random(seed: number) {
    let state = seed
    const next = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    return { next, one: <T>(values: readonly T[]): T | undefined => values[Math.floor(next() * values.length)] }
  }

  function contentOf(draw: ReturnType<typeof random>, depth: number): Buffer {
    const dice = draw.next()
    if (dice < 0.1 && depth > 0) return archiveOf(draw, depth - 1)
    if (dice < 0.2) return gzipSync(contentOf(draw, depth))
    if (dice < 0.25) return Buffer.from('some text '.repeat(1 + Math.floor(draw.next() * 500)))
    const word = draw.next() < 0.06 ? (draw.one(words) ?? '') : ''
    return Buffer.concat([randomBytes(Math.floor(draw.next() * 400)), Buffer.from(word), randomBytes(20 + Math.floor(draw.next() * 3000))])
  }

  function archiveOf(draw: ReturnType<typeof random>, depth: number): Buffer {
    const name = (index: number) => (draw.next() < 0.01 ? 'evil.name' : `folder/${index}`)
    const members = Array.from({ length: 1 + Math.floor(draw.next() * 8) }, (_, index) => ({
      name: name(index),
      content: contentOf(draw, depth),
    }))
    return draw.one(Object.values(packs))?.(members) ?? Buffer.alloc(0)
  }

  it('are judged as by one scan', async () => {
    const verdicts = new Set<string>()
    for (let seed = 1; seed <= 120; seed++) {
      const content = archiveOf(random(seed), 2)
      const { verdict, raw } = await scanPlain(content)
      expect({ seed, ...(await scanPrepared(content, seed % 2 === 0 ? 1 : 4000)) }).toMatchObject({ seed, verdict, raw })
      verdicts.add(verdict)
    }
    expect(verdicts).toEqual(new Set(['clean', 'infected']))
  })
})

it.each(wholes.map((whole, index): [number, Buffer] => [index, whole]))('is found by its hash as a whole: %i', async (index, whole) => {
  expect(await scanPrepared(whole, 5000)).toMatchObject({ verdict: 'infected', raw: `stream: Whole-${index}.UNOFFICIAL FOUND` })
})
