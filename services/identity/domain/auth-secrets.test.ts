import { ConfigError } from '@slipway/config'
import { expect, it } from 'vitest'
import { parseAuthSecrets } from './auth-secrets.ts'

const [newest = '', older = '', plain = ''] = ['n', 'o', 'p'].map((letter) => letter.repeat(32))

it.each([
  ['one secret', plain, { secret: plain }],
  ['one secret with a comma and a colon', `${plain},x:y`, { secret: `${plain},x:y` }],
  ['one with a version', `2:${newest}`, { secrets: [{ version: 2, value: newest }] }],
  [
    'a newer one before one without version',
    `1700000000:${newest},${plain}`,
    { secrets: [{ version: 1_700_000_000, value: newest }], secret: plain },
  ],
  [
    'three, with spaces',
    `3:${newest}, 2:${older}, ${plain}`,
    {
      secrets: [
        { version: 3, value: newest },
        { version: 2, value: older },
      ],
      secret: plain,
    },
  ],
  ['one with a colon in it', `1:${newest}:${older}`, { secrets: [{ version: 1, value: `${newest}:${older}` }] }],
])('reads %s', (_what, text, secrets) => {
  expect(parseAuthSecrets(text)).toEqual(secrets)
})

it.each([
  ['short', 'short', /fewer than 32 characters/],
  ['short among others', `2:${newest},1:short`, /fewer than 32 characters/],
  ['empty at the end', `2:${newest},`, /fewer than 32 characters/],
  ['of one version twice', `2:${newest},2:${older}`, /two secrets of one version/],
  ['without version before another', `2:${newest},${plain},1:${older}`, /not the last one/],
  ['without version twice', `2:${newest},${plain},${older}`, /not the last one/],
])('refuses one that is %s', (_what, text, message) => {
  expect(() => parseAuthSecrets(text)).toThrow(ConfigError)
  expect(() => parseAuthSecrets(text)).toThrow(message)
})

it('never says a secret in what it complains about', () => {
  for (const text of [`2:${newest},2:${older}`, `2:${newest},tiny-secret`]) {
    expect(() => parseAuthSecrets(text)).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/nnnn|oooo|tiny/) }))
  }
})
