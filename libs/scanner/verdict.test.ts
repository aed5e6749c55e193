import { describe, expect, it } from 'vitest'
import { judge } from './verdict.ts'

describe('judge', () => {
  it.each([
    ['stream: OK', { verdict: 'clean' }],
    ['stream: Win.Test.EICAR_HDB-1 FOUND', { verdict: 'infected', signature: 'Win.Test.EICAR_HDB-1' }],
    ['stream: Heuristics.Phishing.Email FOUND', { verdict: 'infected', signature: 'Heuristics.Phishing.Email' }],
    [
      'stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND',
      { verdict: 'unscannable', reason: 'limits', signature: 'Heuristics.Limits.Exceeded.MaxFileSize' },
    ],
    [
      'stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND',
      { verdict: 'unscannable', reason: 'timeout', signature: 'Heuristics.Limits.Exceeded.MaxScanTime' },
    ],
    ['stream: Heuristics.Encrypted.Zip FOUND', { verdict: 'unscannable', reason: 'encrypted', signature: 'Heuristics.Encrypted.Zip' }],
    ['INSTREAM size limit exceeded. ERROR', { verdict: 'unscannable', reason: 'size' }],
    ['stream: Time limit reached ERROR', { verdict: 'unscannable', reason: 'timeout' }],
    ["stream: Can't allocate memory ERROR", { verdict: 'error' }],
    ['COMMAND READ TIMED OUT', { verdict: 'error' }],
    ['UNKNOWN COMMAND', { verdict: 'error' }],
    ['', { verdict: 'error' }],
    // Nothing that merely contains the good word is good.
    ['stream: OK FOUND', { verdict: 'infected', signature: 'OK' }],
    ['stream: OK\nstream: X FOUND', { verdict: 'error' }],
    ['other: OK', { verdict: 'error' }],
    ['stream: ok', { verdict: 'error' }],
  ])('%j', (raw, judgement) => {
    expect(judge(raw)).toEqual(judgement)
  })
})
