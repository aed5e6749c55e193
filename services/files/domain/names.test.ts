import { describe, expect, it } from 'vitest'
import { freeName, maxNameBytes, nameKey, numberedName, readName } from './names.ts'

const nameOf = (raw: string): string => {
  const reading = readName(raw)
  if (!reading.ok) throw new Error(`"${raw}" was refused: ${reading.fault}`)
  return reading.name
}

describe('readName', () => {
  it.each([
    ['photo.jpg', 'photo.jpg'],
    ['  photo.jpg\u00a0 ', 'photo.jpg'],
    ['photo.', 'photo'],
    ['photo. . .', 'photo'],
    ['.gitignore', '.gitignore'],
    ['...three', '...three'],
    ['cafe\u0301.txt', 'caf\u00e9.txt'],
    ['отчёт за год.pdf', 'отчёт за год.pdf'],
    ['a:b?*"<>|.txt', 'a:b?*"<>|.txt'],
    ['👨‍👩‍👧.png', '👨‍👩‍👧.png'],
    ['console.log', 'console.log'],
    ['com10.txt', 'com10.txt'],
    ['con fusion.txt', 'con fusion.txt'],
    ['~$lock.docx', '~$lock.docx'],
    ['%2e%2e%2f', '%2e%2e%2f'],
    ['\ufeffa.txt', 'a.txt'],
    ['\u212b.txt', '\u00c5.txt'],
    ['\u2000wide\u3000', 'wide'],
    ['می\u200cخواهم.txt', 'می\u200cخواهم.txt'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('%j is kept as %j', (raw, name) => {
    expect(nameOf(raw)).toBe(name)
  })

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['...', 'empty'],
    ['.', '. or ..'],
    ['..', '. or ..'],
    [' .. ', '. or ..'],
    ['../etc/passwd', '/ or \\'],
    ['a/b', '/ or \\'],
    ['..\\windows', '/ or \\'],
    ['nul\u0000.txt', 'control characters'],
    ['line\nbreak', 'control characters'],
    ['tab\t', 'control characters'],
    ['\u0085next', 'control characters'],
    ['para\u2029graph', 'control characters'],
    ['photo\u202Egpj.exe', 'bidirectional'],
    ['\u2066isolate', 'bidirectional'],
    ['lone\uD800', 'well-formed'],
    ['CON', 'reserved'],
    ['nul.tar.gz', 'reserved'],
    ['LPT1.txt', 'reserved'],
    ['com¹', 'reserved'],
    ['con .txt', 'reserved'],
    ['Aux . ', 'reserved'],
    ['conin$', 'reserved'],
    ['\u200b', 'empty'],
    ['\u200d\u2060\u00ad', 'empty'],
    ['\u3164.', 'empty'],
    ['\ufe0f', 'empty'],
    ['a\u200fb', 'bidirectional'],
    ['\u061c', 'bidirectional'],
    ['\udc00\ud800', 'well-formed'],
    ['\u007f', 'control characters'],
    ['a\u2028b', 'control characters'],
    ['x'.repeat(256), '255 bytes'],
    ['ж'.repeat(128), '255 bytes'],
    ['x'.repeat(4096), '255 bytes'],
  ])('%j is refused: %s', (raw, reason) => {
    const reading = readName(raw)
    expect(reading.ok ? reading.name : reading.fault).toContain(reason)
    expect(reading.ok).toBe(false)
  })

  it('measures what is stored: normalisation may lengthen a name beyond the limit', () => {
    const musical = '\u{1D160}'.repeat(60)
    expect(Buffer.byteLength(musical)).toBeLessThan(maxNameBytes)
    expect(readName(musical).ok).toBe(false)
  })

  it('gives the same result when it is applied to its own result', () => {
    for (const raw of ['  A.txt ', 'cafe\u0301.', '...x. ']) expect(nameOf(nameOf(raw))).toBe(nameOf(raw))
  })
})

describe('nameKey', () => {
  it('unites names that differ in case only', () => {
    expect(nameKey('Photo.JPG')).toBe(nameKey('photo.jpg'))
    expect(nameKey('ОТЧЁТ')).toBe(nameKey('отчёт'))
    expect(nameKey('ΟΔΟΣ')).toBe(nameKey('οδος'))
    expect(nameKey('οδοσ')).toBe(nameKey('οδος'))
    expect(nameKey('Straße')).toBe(nameKey('STRASSE'))
  })

  it('is the same for every way to write a letter: either case, composed or not', () => {
    const apart: string[] = []
    for (let code = 0x20; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code < 0xe000) continue
      const name = `x${String.fromCodePoint(code)}x`
      const forms = [name, name.toLowerCase(), name.toUpperCase()].flatMap((form) => [form, form.normalize('NFC'), form.normalize('NFD')])
      if (new Set(forms.map(nameKey)).size > 1 || nameKey(nameKey(name)) !== nameKey(name)) apart.push(code.toString(16))
    }
    expect(apart).toEqual([])
  })

  it('unites the letters that languages do not agree on: sharp s, Turkish i, final sigma', () => {
    expect(nameKey('STRAẞE')).toBe(nameKey('straße'))
    expect(nameKey('I')).toBe(nameKey('ı'))
    expect(nameKey('İ')).toBe(nameKey('i\u0307'))
    expect(nameKey('İ')).not.toBe(nameKey('i'))
    expect(nameKey('ΣΣ')).toBe(nameKey('σς'))
    expect(nameKey('ﬁle')).toBe(nameKey('FILE'))
  })

  it('keeps apart what differs in more than case', () => {
    expect(nameKey('resume')).not.toBe(nameKey('résumé'))
    expect(nameKey('a b')).not.toBe(nameKey('ab'))
  })

  it('stays below the limit of a Postgres index entry', () => {
    for (const character of ['ΐ', 'ﬃ', 'İ', 'ŉ', '\u0390']) {
      const name = nameOf(character.repeat(Math.floor(maxNameBytes / Buffer.byteLength(character.normalize('NFC')))))
      expect(Buffer.byteLength(nameKey(name))).toBeLessThan(2000)
    }
  })
})

describe('numberedName', () => {
  it.each([
    ['photo.jpg', 'photo (2).jpg'],
    ['archive.tar.gz', 'archive.tar (2).gz'],
    ['README', 'README (2)'],
    ['.env', '.env (2)'],
    ['no. extension because it is long', 'no. extension because it is long (2)'],
  ])('%s becomes %s', (name, numbered) => {
    expect(numberedName(name, 2)).toBe(numbered)
  })

  it('obeys the rule for names even where the name is as long as it may be', () => {
    for (const name of [`${'x'.repeat(251)}.jpg`, 'ж'.repeat(127), '👨‍👩‍👧'.repeat(14)]) {
      const numbered = numberedName(name, 12_345)
      expect(nameOf(numbered)).toBe(numbered)
      expect(numbered).toContain('(12345)')
    }
  })
})

describe('freeName', () => {
  const takenBy = (names: Iterable<string>) => {
    const taken = new Set(names)
    const asked: string[] = []
    return { asked, isTaken: (name: string) => Promise.resolve(asked.push(name) > 0 && taken.has(name)) }
  }

  it('leaves a free name alone', async () => {
    expect(await freeName('a.txt', takenBy(['b.txt']).isTaken)).toBe('a.txt')
  })

  it('takes the next number', async () => {
    expect(await freeName('a.txt', takenBy(['a.txt']).isTaken)).toBe('a (2).txt')
    expect(await freeName('a.txt', takenBy(['a.txt', 'a (2).txt', 'a (3).txt']).isTaken)).toBe('a (4).txt')
  })

  it('gives names in a row without asking for each', async () => {
    const names = ['a.txt', ...Array.from({ length: 9_998 }, (_, index) => numberedName('a.txt', index + 2))]
    const { asked, isTaken } = takenBy(names)
    expect(await freeName('a.txt', isTaken)).toBe('a (10000).txt')
    expect(asked.length).toBeLessThan(40)
  })

  it('never gives a taken name, whatever the gaps', async () => {
    for (let seed = 1; seed < 200; seed++) {
      const numbers = Array.from({ length: 40 }, (_, index) => index + 2).filter((number) => (number * seed) % 7 < 5)
      const taken = ['a', ...numbers.map((number) => numberedName('a', number))]
      expect(taken).not.toContain(await freeName('a', takenBy(taken).isTaken))
    }
  })
})
