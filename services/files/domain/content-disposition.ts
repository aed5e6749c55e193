/** Bytes that RFC 8187 §3.2.1 lets stand for themselves (`attr-char`). */
const attributeCharacter = /[A-Za-z0-9!#$&+\-.^_`|~]/

/**
 * RFC 6266: `filename` for old clients, `filename*` (RFC 8187) where that would lose something. The plain form holds no quote, no
 * backslash and no percent sign: clients disagree on how to read them.
 */
export function contentDisposition(kind: 'attachment' | 'inline', name: string): string {
  const fallback = name.replace(/[^\u0020-\u007E]/gu, '_').replace(/["\\%]/g, '_')
  const plain = `${kind}; filename="${fallback}"`
  return fallback === name ? plain : `${plain}; filename*=UTF-8''${extendedValue(name)}`
}

function extendedValue(text: string): string {
  return Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte)
    return byte < 0x80 && attributeCharacter.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
