import { gzipSync } from 'node:zlib'
import { tarOf, zipOf } from '@slipway/testing'
import { describe, expect, it } from 'vitest'
import { formatOf, isTarHeader } from './format.ts'

const bytes = (hex: string) => Buffer.from(hex, 'hex')

describe('formatOf', () => {
  it.each([
    ['zip', zipOf([{ name: 'a', content: 'b' }])],
    ['zip', zipOf([])],
    ['gzip', gzipSync('a')],
    ['tar', tarOf([{ name: 'a', content: 'b' }])],
    ['bzip2', Buffer.from('BZh91AY&SY')],
    ['opaque', bytes('28b52ffd00')],
    ['opaque', bytes('04224d1800')],
    ['opaque', bytes('5d00008000ffffffffffffffff')],
    ['opaque', bytes('5d0000800000000100000000000000')],
    ['ignored', Buffer.from('OggS')],
    ['ignored', bytes('fffb9000')],
    ['other', Buffer.alloc(0)],
    ['other', Buffer.from('PK')],
    ['other', Buffer.from('BZh without more')],
    ['other', bytes('1f8b09')],
    ['opaque', bytes('1f8b08ff')],
    ['opaque', bytes('1f1e00')],
    ['bzip2', Buffer.from('BZh9\x17rE8P\x90', 'latin1')],
    ['opaque', bytes('0000000100ffffffffffffffff00')],
    ['opaque', bytes('5d00001800ffffffffffffffff00')],
    ['opaque', Buffer.from('!<arch>\ndebian-binary')],
    ['opaque', Buffer.from('Rar!\x1a\x07\x01\x00', 'latin1')],
    ['opaque', Buffer.from('PK00PK\x03\x04', 'latin1')],
    ['tar', Buffer.concat([Buffer.alloc(257, 'x'), Buffer.from('ustar\0'), Buffer.alloc(249)])],
    ['other', bytes('5d000080ff')],
    ['other', Buffer.from('] starts like lzma, and is text')],
    ['other', Buffer.alloc(512)],
    ['other', Buffer.from('MZ')],
  ])('%s', (format, head) => {
    expect(formatOf(head)).toBe(format)
  })
})

describe('isTarHeader', () => {
  const header = tarOf([{ name: 'a', content: 'b' }]).subarray(0, 512)

  it('goes by the checksum, so that headers from before ustar count as well', () => {
    const old = Buffer.from(header)
    old.fill(0, 257)
    const sum = old.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
    old.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    expect(isTarHeader(old)).toBe(true)
  })

  it('takes bytes as signed numbers, too', () => {
    const old = Buffer.from(header)
    old.write('\xe9', 0, 'latin1')
    const sum = old.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : (byte << 24) >> 24), 0)
    old.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    expect(isTarHeader(old)).toBe(true)
  })

  it('is no header with one bit changed, or too short', () => {
    const changed = Buffer.from(header)
    changed.writeUInt8((changed[5] ?? 0) ^ 1, 5)
    expect(isTarHeader(changed)).toBe(false)
    expect(isTarHeader(header.subarray(0, 511))).toBe(false)
  })
})
