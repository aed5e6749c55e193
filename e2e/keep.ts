import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { call, stored, unique } from './client.ts'

/**
 * Files that have to outlive something, such as the loss of all stores:
 *
 *   node e2e/keep.ts put 12 > kept.json     uploads files of many sizes and writes down what they are
 *   node e2e/keep.ts check kept.json        each is there with the same bytes
 *   node e2e/keep.ts gone kept.json         none is there
 */
interface Kept {
  readonly id: string
  readonly sha256: string
  readonly size: number
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

async function put(count: number): Promise<void> {
  const kept: Kept[] = []
  for (let n = 0; n < count; n++) {
    const content = randomBytes(n === 0 ? 0 : 3 ** Math.min(n, 14))
    const { id } = await stored(content, { name: unique(`kept-${n}.bin`) })
    kept.push({ id, sha256: sha256(content), size: content.length })
  }
  process.stdout.write(`${JSON.stringify(kept)}\n`)
}

async function look(file: string, fault: (kept: Kept, answer: Response) => Promise<string | undefined>): Promise<void> {
  const all = JSON.parse(readFileSync(file, 'utf8')) as Kept[]
  const faults: string[] = []
  for (const kept of all) {
    const found = await fault(kept, await call('GET', `/api/v1/files/${kept.id}/content`))
    if (found) faults.push(`${kept.id} (${kept.size} bytes): ${found}`)
  }
  process.stdout.write(`${all.length - faults.length} of ${all.length} files are as they have to be\n`)
  if (faults.length === 0) return
  process.stderr.write(`${faults.join('\n')}\n`)
  process.exitCode = 1
}

async function differs(kept: Kept, answer: Response): Promise<string | undefined> {
  const content = Buffer.from(await answer.arrayBuffer())
  if (answer.status !== 200) return `${answer.status} ${content.toString('utf8', 0, 200)}`
  return sha256(content) === kept.sha256 ? undefined : `has ${content.length} other bytes`
}

async function isThere(_: Kept, answer: Response): Promise<string | undefined> {
  await answer.body?.cancel()
  return answer.status === 404 ? undefined : `answers ${answer.status}`
}

const [what = '', argument = ''] = process.argv.slice(2)
if (what === 'put') await put(Number(argument))
else if (what === 'check') await look(argument, differs)
else if (what === 'gone') await look(argument, isThere)
else throw new TypeError(`"${what}" is none of put, check and gone`)
