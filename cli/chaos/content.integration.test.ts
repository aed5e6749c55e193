import { Readable } from 'node:stream'
import { createScanner, type Scanner } from '@slipway/scanner'
import { testScanner } from '@slipway/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cleanArchive, cleanContent, infectedContent, sha256Of, smallSize } from './content.ts'

let scanner: Scanner
beforeAll(() => {
  scanner = createScanner({ ...testScanner(), connections: 2, queueSeconds: 30, idleSeconds: 30 })
})
afterAll(() => scanner[Symbol.asyncDispose]())

const verdictOf = async (bytes: Buffer) => (await scanner.scan(Readable.from([bytes]))).verdict

test.each([0, 1, 2, 3, 4, 5])('infected content %i is found, and unlike the others', async (turn) => {
  const { bytes, sha256, isInfected } = infectedContent(turn, 300_000)
  expect(await verdictOf(bytes)).toBe('infected')
  expect([isInfected, sha256]).toEqual([true, sha256Of(bytes)])
  expect(infectedContent(turn + 1, 300_000).sha256).not.toBe(sha256)
})

test('every third is above the size that is answered at once', () => {
  expect([0, 1, 2].map((turn) => infectedContent(turn, 300_000).bytes.length > 300_000)).toEqual([false, false, true])
})

test('clean content is clean, and unlike any other', async () => {
  const { bytes, sha256, isInfected } = cleanContent(smallSize())
  expect(await verdictOf(bytes)).toBe('clean')
  expect([isInfected, sha256]).toEqual([false, sha256Of(bytes)])
  expect(cleanContent(bytes.length).sha256).not.toBe(sha256)
})

test('an archive of many members is clean', async () => {
  const { bytes, isInfected } = cleanArchive()
  expect([await verdictOf(bytes), isInfected]).toEqual(['clean', false])
  expect(bytes.toString('latin1').split('PK\x03\x04')).toHaveLength(61)
})
