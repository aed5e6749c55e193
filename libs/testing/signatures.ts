import { createHash } from 'node:crypto'
import { tarGzOf } from './tar.ts'

/**
 * The file `daily.cud` of that number and day, as far as clamd can tell: it takes both from its head. It has no signature of ClamAV's, for
 * which its ending stands.
 */
export function signatureDatabase({ number, at }: { number: number; at: Date }): Buffer {
  const head = `ClamAV-VDB:${at.toUTCString().slice(5, 16)} 00-00 +0000:${number}:1:90:X:X:test:${Math.floor(at.getTime() / 1000)}`
  const files = [
    { name: 'COPYING', content: 'for tests' },
    { name: 'daily.ndb', content: `Test-Daily:0:0:${'cd'.repeat(32)}\n` },
  ]
  const hash = (content: string) => createHash('sha256').update(content).digest('hex')
  const listed = files.map(({ name, content }) => `${name}:${content.length}:${hash(content)}\n`).join('')
  const content = tarGzOf([files[0], { name: 'daily.info', content: `${head}\n${listed}` }, files[1]].filter((file) => file !== undefined))
  return Buffer.concat([Buffer.from(head.padEnd(512)), content])
}
