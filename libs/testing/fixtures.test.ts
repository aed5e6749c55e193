import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eicar, fakeClock, jpegOf, pngOf, tarGzOf, tarOf, zipOf } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fixtures-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function python(program: string, ...args: string[]): string {
  return execFileSync('python3', ['-c', program, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function kept(name: string, content: Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe('eicar', () => {
  it('is the 68 bytes that scanners agreed upon', () => {
    expect(eicar()).toHaveLength(68)
    expect(createHash('md5').update(eicar()).digest('hex')).toBe('44d88612fea8a8f36de82e1278abb02f')
  })

  it('stands in no file of these two libraries', () => {
    const telltale = eicar().subarray(35, 61).toString()
    const files = ['.', '../stack'].flatMap((library) =>
      readdirSync(join(import.meta.dirname, library)).map((name) => join(import.meta.dirname, library, name)),
    )
    expect(files.length).toBeGreaterThan(30)
    expect(files.filter((file) => statSync(file).isFile() && readFileSync(file).includes(telltale))).toEqual([])
  })
})

describe('zipOf', () => {
  const list = 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print([(i.filename,i.file_size,i.flag_bits&1) for i in z.infolist()])'

  it('is read by an independent reader, deflated and stored', () => {
    const path = kept(
      'a.zip',
      zipOf([
        { name: 'grüße.txt', content: 'hello' },
        { name: 'b/c.bin', content: Buffer.alloc(5000, 7), stored: true },
      ]),
    )
    expect(python(`${list}; print(z.testzip(), z.read('grüße.txt'))`, path).trim().split('\n')).toEqual([
      "[('grüße.txt', 5, 0), ('b/c.bin', 5000, 0)]",
      "None b'hello'",
    ])
  })

  it('encrypts so that only the password opens it', () => {
    const path = kept('e.zip', zipOf([{ name: 'a.txt', content: 'secret text' }], { encrypted: 'pw' }))
    expect(python(`${list}; print(z.read('a.txt', pwd=b'pw'))`, path)).toContain("[('a.txt', 11, 1)]\nb'secret text'")
    expect(() => python(`${list}; print(z.read('a.txt', pwd=b'no'))`, path)).toThrow()
    expect(readFileSync(path).includes('secret text')).toBe(false)
  })

  it('nests, and packs a huge member small', () => {
    const inner = zipOf([{ name: 'huge', content: Buffer.alloc(11 * 1024 * 1024) }])
    expect(inner.length).toBeLessThan(20_000)
    const path = kept('n.zip', zipOf([{ name: 'inner.zip', content: inner }]))
    const nested =
      'import sys,zipfile,io; z=zipfile.ZipFile(sys.argv[1]); i=zipfile.ZipFile(io.BytesIO(z.read("inner.zip"))); print(len(i.read("huge")))'
    expect(python(nested, path).trim()).toBe(String(11 * 1024 * 1024))
  })

  it('can lie about a size', () => {
    const path = kept('l.zip', zipOf([{ name: 'a', content: 'four', claimedSize: 3 }]))
    expect(python(list, path).trim()).toBe("[('a', 3, 0)]")
  })

  it('may be empty', () => {
    expect(python(list, kept('0.zip', zipOf([]))).trim()).toBe('[]')
  })
})

describe('tarGzOf', () => {
  it('is read by an independent reader', () => {
    const path = kept(
      'a.tar.gz',
      tarGzOf([
        { name: 'x.txt', content: 'x' },
        { name: 'deep/y.bin', content: Buffer.alloc(600, 1) },
      ]),
    )
    const program =
      'import sys,tarfile; t=tarfile.open(sys.argv[1]); print([(m.name,m.size) for m in t.getmembers()], t.extractfile("x.txt").read())'
    expect(python(program, path).trim()).toBe("[('x.txt', 1), ('deep/y.bin', 600)] b'x'")
  })

  it('refuses a name that does not fit', () => {
    expect(() => tarOf([{ name: 'n'.repeat(101), content: '' }])).toThrow(RangeError)
  })
})

describe('images', () => {
  it('makes a PNG whose pixels are the colour asked for', () => {
    const png = pngOf({ width: 3, height: 2, colour: [1, 2, 3] })
    expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))
    const data = png.subarray(png.indexOf('IDAT') + 4, png.indexOf('IEND') - 8)
    const row = [0, 1, 2, 3, 1, 2, 3, 1, 2, 3]
    expect([...inflateSync(data)]).toEqual([...row, ...row])
  })

  it('makes a JPEG with the markers of a baseline file and two bits for every block', () => {
    const jpeg = jpegOf({ width: 17, height: 8 })
    expect(jpeg.subarray(0, 4)).toEqual(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))
    expect(jpeg.subarray(-3)).toEqual(Buffer.from([0b00000011, 0xff, 0xd9]))
  })
})

describe('fakeClock', () => {
  it('stands still until it is moved', () => {
    const clock = fakeClock('2026-02-03T04:05:06Z')
    const { now } = clock
    expect(new Date(now()).toISOString()).toBe('2026-02-03T04:05:06.000Z')
    clock.advance(1500)
    expect(new Date(now()).toISOString()).toBe('2026-02-03T04:05:07.500Z')
    expect(() => clock.advance(-1)).toThrow(RangeError)
  })
})
