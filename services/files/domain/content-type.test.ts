import { describe, expect, it } from 'vitest'
import { contentTypeHeader, headBytes, mayBeInline, sniffContentType } from './content-type.ts'

const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex')

describe('sniffContentType', () => {
  it.each([
    ['PNG', png, 'image/png'],
    ['JPEG', Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), 'image/jpeg'],
    ['PDF', Buffer.from('%PDF-1.7\n%\u00e2\u00e3\n'), 'application/pdf'],
    ['gzip', Buffer.from('1f8b0800000000000003', 'hex'), 'application/gzip'],
    ['plain text', Buffer.from('hello\r\n\tworld'), 'text/plain'],
    ['Cyrillic text', Buffer.from('привет'), 'text/plain'],
    ['HTML, which must not be shown as such', Buffer.from('<!doctype html><script>alert(1)</script>'), 'text/plain'],
    ['nothing', Buffer.alloc(0), 'application/octet-stream'],
    ['bytes', Buffer.from([0x00, 0x01, 0x02, 0xff]), 'application/octet-stream'],
    ['Latin-1 text, which is not UTF-8', Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x20]), 'application/octet-stream'],
    ['text with a NUL', Buffer.from('hello\u0000world'), 'application/octet-stream'],
  ])('%s', async (_, head, type) => {
    expect(await sniffContentType(head)).toBe(type)
  })

  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['SVG with an XML declaration', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['XHTML', '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>'],
    ['HTML behind a byte order mark', '\ufeff<html><script>alert(1)</script>'],
    ['a script', '#!/usr/bin/env node\nalert(1)'],
    ['JavaScript', 'alert(1)//'],
    ['a GIF that is JavaScript', 'GIF89a=1;alert(1)//'],
    ['a PDF that is HTML', '%PDF-1.4\n<script>alert(1)</script>'],
    ['a BMP that is JavaScript', 'BM=1;alert(1)//'],
    ['an MHTML page', 'MIME-Version: 1.0\nContent-Type: multipart/related'],
    ['a stylesheet', '@import url("https://example.org");'],
    ['JSON', '{"a":1}'],
  ])('gives nothing a type that a browser runs: %s', async (_, head) => {
    const type = await sniffContentType(Buffer.from(head))
    expect(type).not.toMatch(/html|javascript|ecmascript|css|wasm|multipart/)
    if (/xml|svg/.test(type)) expect(mayBeInline(type)).toBe(false)
  })

  it.each([0, 1, headBytes - 1, headBytes, headBytes + 1])('knows text of %d bytes', async (length) => {
    expect(await sniffContentType(Buffer.alloc(length, 'a'))).toBe(length === 0 ? 'application/octet-stream' : 'text/plain')
  })

  it('ends with every beginning of every format that could keep a detector busy', async () => {
    const magics = [
      '504b0304',
      '1a45dfa3',
      '3026b2758e66cf11a6d900aa0062ce6c',
      '49492a00',
      '4d4d002a',
      '49443303',
      '89504e470d0a1a0a',
      '00000018667479706d703432',
    ]
    for (const magic of magics) {
      for (const filler of [0x00, 0xff, 0x41]) {
        const head = Buffer.concat([Buffer.from(magic, 'hex'), Buffer.alloc(headBytes, filler)]).subarray(0, headBytes)
        expect(await sniffContentType(head)).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/)
      }
    }
  })

  it('takes a head that ends within a character for text, but not a whole file that does', async () => {
    const text = Buffer.from('ж'.repeat(headBytes))
    expect(await sniffContentType(text.subarray(0, headBytes + 1))).toBe('text/plain')
    expect(await sniffContentType(text.subarray(0, 7))).toBe('application/octet-stream')
  })

  it('survives heads that are cut anywhere', async () => {
    for (let length = 0; length <= png.length; length++) {
      expect(await sniffContentType(png.subarray(0, length))).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/)
    }
  })
})

describe('mayBeInline', () => {
  it('lets pass what nothing executes', () => {
    for (const type of ['image/png', 'application/pdf', 'text/plain', 'video/mp4']) expect(mayBeInline(type)).toBe(true)
  })

  it('holds back markup, scripts and the unknown', () => {
    for (const type of ['text/html', 'image/svg+xml', 'application/xml', 'application/octet-stream', 'application/javascript']) {
      expect(mayBeInline(type)).toBe(false)
    }
  })
})

describe('contentTypeHeader', () => {
  it('names the charset of text only', () => {
    expect(contentTypeHeader('text/plain')).toBe('text/plain; charset=utf-8')
    expect(contentTypeHeader('image/png')).toBe('image/png')
  })
})
