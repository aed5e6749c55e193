import { expect, test } from 'vitest'
import { withCredentials } from './credentials.ts'
import { Secret } from './secret.ts'

const url = new Secret('rediss://cache.example.com:6380/0')
const parts = (secret: Secret) => {
  const { username, password, host, pathname } = new URL(secret.reveal())
  return { user: decodeURIComponent(username), password: decodeURIComponent(password), host, pathname }
}

test('a URL gets the user and the password that are kept apart', () => {
  expect(parts(withCredentials(url, { user: 'worker', password: new Secret('pass') }))).toEqual({
    user: 'worker',
    password: 'pass',
    host: 'cache.example.com:6380',
    pathname: '/0',
  })
})

test.each(['p@ss:w/rd?#', '50%25', '100 %', 'quote\'"', 'ümläut'])('a password may hold anything: %s', (password) => {
  expect(parts(withCredentials(url, { user: null, password: new Secret(password) })).password).toBe(password)
})

test('what is not given stays as the URL has it', () => {
  const own = new Secret('redis://me:mine@host:1')
  expect(parts(withCredentials(own, { user: null, password: null }))).toMatchObject({ user: 'me', password: 'mine' })
  expect(parts(withCredentials(own, { user: null, password: new Secret('other') }))).toMatchObject({ user: 'me', password: 'other' })
})

test('the whole is as secret as its part', () => {
  expect(String(withCredentials(url, { user: 'a', password: new Secret('hidden-part') }))).not.toContain('hidden-part')
})
