import { expect, test } from 'vitest'
import { installedServices, services } from './services.ts'

const names = (environment: Record<string, string>) => installedServices(environment).map(({ name }) => name)

test('an environment that names no services has all of them', () => {
  expect(names({})).toEqual(services.map(({ name }) => name))
  expect(names({ SLIPWAY_SERVICES: '' })).toEqual(names({}))
})

test('those that it names are in the order of the platform, each once', () => {
  expect(names({ SLIPWAY_SERVICES: 'files, identity,files' })).toEqual(['identity', 'files'])
})

test('a name that nobody has is refused, with those that there are', () => {
  expect(() => names({ SLIPWAY_SERVICES: 'identity,filez' })).toThrow('SLIPWAY_SERVICES names a service "filez"')
  expect(() => names({ SLIPWAY_SERVICES: 'filez' })).toThrow(expect.objectContaining({ fix: expect.stringContaining('identity, files') }))
})
