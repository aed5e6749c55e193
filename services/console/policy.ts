import { createHash } from 'node:crypto'

/**
 * The one Content-Security-Policy of the console. Styles are files; React and Mantine write single properties through the CSSOM, which
 * policies allow. The 3D viewer has one style element in its shadow root, allowed by the hash of its text, and decodes meshes in
 * WebAssembly. What a person looks at (previews, models) is fetched with a token and shown from `blob:`.
 */
export function contentSecurityPolicy(inlineStyles: readonly string[]): string {
  const hashes = inlineStyles.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    ["style-src 'self'", ...hashes].join(' '),
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self' blob:",
    "worker-src 'self' blob:",
    'frame-src blob:',
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** The texts of the style elements in a module of the 3D viewer. */
export function inlineStylesOf(source: string): string[] {
  return [...source.matchAll(/<style>([\s\S]*?)<\/style>/g)].map((match) => match[1] ?? '')
}
