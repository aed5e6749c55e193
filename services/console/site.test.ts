import { expect, test } from 'vitest'
import { contentSecurityPolicy, inlineStylesOf } from './policy.ts'
import { isPage, sourceStamp } from './site.ts'

test.each(['/', '/files', '/menu/019aa5f2', '/jobs', '/tenant', '/link', '/m/demo'])('%s is a page', (path) => {
  expect(isPage(path)).toBe(true)
})

test.each(['/api/v1/files', '/internal/v1/jwks', '/health', '/assets/a.js', '//files', '/filesystem', '/nowhere'])('%s is none', (path) => {
  expect(isPage(path)).toBe(false)
})

test('the policy allows no inline code, and of inline styles those that are known', () => {
  const policy = contentSecurityPolicy(['a'])
  expect(policy).not.toContain('unsafe-inline')
  expect(policy).toContain("style-src 'self' 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='")
  expect(policy).toContain("default-src 'none'")
})

test('style elements are found with their exact text', () => {
  expect(inlineStylesOf('html`<style>\n a {}\n</style><p>`')).toEqual(['\n a {}\n'])
})

test('the stamp of the same sources is the same', () => {
  expect(sourceStamp()).toBe(sourceStamp())
})
