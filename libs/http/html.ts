import { headersOf } from './security-headers.ts'

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}

/** Headers of a page for people: nothing but what it names. */
export function pageHeaders(directives: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  const policy = {
    'default-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
    ...directives,
  }
  const headers = headersOf({ contentSecurityPolicy: { useDefaults: false, directives: policy } })
  return { 'content-security-policy': String(headers['content-security-policy']) }
}
