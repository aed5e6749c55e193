import { describe, expect, it } from 'vitest'
import { hideInUrl, hideValues } from './span-values.ts'

describe('hideInUrl', () => {
  it.each([
    ['https://host/path', 'https://host/path'],
    ['https://host:1/path?token=abc&limit=5', 'https://host:1/path?token=*&limit=*'],
    ['https://ann:secret@host/path?a=b?c=d', 'https://host/path?a=*'],
    ['https://host/@ann/path', 'https://host/@ann/path'],
    ['https://host/path?flag', 'https://host/path?flag'],
  ])('%s becomes %s', (url, hidden) => expect(hideInUrl(url)).toBe(hidden))
})

describe('hideValues', () => {
  it('keeps names only', () => {
    expect(hideValues('?token=a=b&limit=5&flag')).toBe('?token=*&limit=*&flag')
    expect(hideValues('')).toBe('')
  })
})
