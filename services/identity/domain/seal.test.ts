import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSealer, SealError } from './seal.ts'

const key = (id: string) => `${id}:${randomBytes(32).toString('base64')}`

describe('createSealer', () => {
  const first = key('k1')
  const sealer = createSealer(first)

  it('opens what it has sealed, and seals the same text differently each time', () => {
    for (const text of ['', 'hunter2', 'ключ 🔑', 'x'.repeat(100_000)]) {
      const [a, b] = [sealer.seal(text, 'p'), sealer.seal(text, 'p')]
      expect(a.equals(b)).toBe(false)
      expect(sealer.open(a, 'p')).toBe(text)
      if (text.length > 3) expect(a.includes(text)).toBe(false)
    }
  })

  it('opens for the same purpose only', () => {
    expect(() => sealer.open(sealer.seal('x', 'setting:a'), 'setting:b')).toThrow(SealError)
  })

  it('notices every changed byte', () => {
    const sealed = sealer.seal('hunter2', 'p')
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed)
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(() => sealer.open(changed, 'p'), `byte ${i}`).toThrow(SealError)
    }
    for (const cut of [0, 1, 10, sealed.length - 1])
      expect(() => sealer.open(sealed.subarray(0, cut), 'p'), `cut at ${cut}`).toThrow(SealError)
  })

  it('seals with the first key and opens with all', () => {
    const old = sealer.seal('x', 'p')
    const rotated = createSealer(`${key('k2')},${first}`)
    expect(rotated.open(old, 'p')).toBe('x')
    expect([rotated.isStale(old), rotated.isStale(rotated.seal('x', 'p'))]).toEqual([true, false])
    expect(() => createSealer(key('k2')).open(old, 'p')).toThrow(/"k1"/)
  })

  it.each(['', 'k1', 'k1:', 'k1:c2hvcnQ=', `:${randomBytes(32).toString('base64')}`, randomBytes(32).toString('base64')])(
    'refuses the key %j',
    (keys) => {
      expect(() => createSealer(keys)).toThrow(/openssl rand/)
    },
  )
})
