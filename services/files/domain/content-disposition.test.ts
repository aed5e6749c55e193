import { describe, expect, it } from 'vitest'
import { contentDisposition } from './content-disposition.ts'

describe('contentDisposition', () => {
  it('quotes a plain name', () => {
    expect(contentDisposition('attachment', 'photo (2).jpg')).toBe('attachment; filename="photo (2).jpg"')
    expect(contentDisposition('inline', 'a;b.txt')).toBe('inline; filename="a;b.txt"')
  })

  it('adds the extended form for everything that the plain one loses', () => {
    expect(contentDisposition('attachment', 'отчёт.pdf')).toBe(
      `attachment; filename="_____.pdf"; filename*=UTF-8''%D0%BE%D1%82%D1%87%D1%91%D1%82.pdf`,
    )
    expect(contentDisposition('attachment', '€ rates')).toBe(`attachment; filename="_ rates"; filename*=UTF-8''%E2%82%AC%20rates`)
    expect(contentDisposition('attachment', '😀')).toBe(`attachment; filename="_"; filename*=UTF-8''%F0%9F%98%80`)
  })

  it('cannot be broken out of', () => {
    const header = contentDisposition('attachment', 'a"; filename="evil.exe\\"%22.txt')
    expect(header.match(/filename="[^"]*"/g)).toEqual(['filename="a_; filename=_evil.exe___22.txt"'])
    expect(header).toContain("filename*=UTF-8''a%22%3B%20filename%3D%22evil.exe%5C%22%2522.txt")
  })

  it('encodes what encodeURIComponent leaves and RFC 8187 does not allow', () => {
    expect(contentDisposition('attachment', "é'(*)")).toContain("UTF-8''%C3%A9%27%28%2A%29")
  })

  it('is always a valid header value', () => {
    for (const name of ['ж"\\%', '\u00e9', 'plain', '日本語.txt']) {
      expect(contentDisposition('attachment', name)).toMatch(/^[\u0020-\u007E]+$/)
    }
  })

  it.each([
    'plain.txt',
    'a;b=c,d.txt',
    'it\'s \\ a "quote" %41 *.txt',
    'naïve café.txt',
    '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 😀.png',
    'e\u0301 decomposed',
    '.hidden',
    ' '.repeat(3) + 'blank',
    '%',
    "UTF-8''a",
    'ж'.repeat(127),
  ])('gives clients that know the extended form the very name: %s', (name) => {
    const header = contentDisposition('attachment', name)
    const extended = /filename\*=UTF-8''([^;]*)$/.exec(header)?.[1]
    const plain = /filename="([^"]*)"/.exec(header)?.[1]
    expect(extended === undefined ? plain : decodeURIComponent(extended)).toBe(name)
    expect(extended ?? '').toMatch(/^[A-Za-z0-9!#$&+\-.^_`|~%]*$/)
    expect(plain).not.toMatch(/["\\%]/)
  })
})
