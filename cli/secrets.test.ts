import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Failure } from './failure.ts'
import { temporaryFolder } from './folders.fixtures.ts'
import { StackSecrets, sha256Hex } from './secrets.ts'

function secretsFile(): string {
  return join(temporaryFolder(), 'secrets.json')
}

test('a secret is made once and found again by the next run', () => {
  const file = secretsFile()
  const first = new StackSecrets(file).get('redis')
  expect(first).toMatch(/^[\w-]{43}$/)
  expect(new StackSecrets(file).get('redis')).toBe(first)
})

test('two names and two stacks have different secrets', () => {
  const one = new StackSecrets(secretsFile())
  expect(one.get('redis')).not.toBe(one.get('postgres'))
  expect(new StackSecrets(secretsFile()).get('redis')).not.toBe(one.get('redis'))
})

test('only the owner can read the file', () => {
  const file = secretsFile()
  new StackSecrets(file).get('redis')
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a key holds 32 bytes', () => {
  expect(Buffer.from(new StackSecrets(secretsFile()).key('encryption'), 'base64')).toHaveLength(32)
})

test('secrets of earlier runs stay when one is added', () => {
  const file = secretsFile()
  const secrets = new StackSecrets(file)
  const first = secrets.get('a')
  secrets.get('b')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ a: first, b: expect.any(String) })
})

test('a broken file is named, and not overwritten', () => {
  const file = secretsFile()
  writeFileSync(file, '{"a":')
  expect(() => new StackSecrets(file)).toThrow(Failure)
  expect(readFileSync(file, 'utf8')).toBe('{"a":')
})

test('sha256Hex is the digest in hex', () => {
  expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})
