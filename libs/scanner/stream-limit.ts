import { connect } from 'node:net'
import { type Address, unavailable } from './control.ts'

/** A frame says its length in 32 bits. */
const longestFrame = 0xff_ff_ff_ff
const patienceMilliseconds = 5000

/**
 * StreamMaxLength of a clamd, without sending what it would take: clamd refuses a frame by the length that it announces, and an end of the
 * connection instead of the frame costs it nothing (tried with 1.4).
 * @returns bytes; at most 4 GiB
 * @throws `scanner.unavailable`
 */
export async function streamLimit(address: Address): Promise<number> {
  let [taken, refused] = [0, longestFrame + 1]
  while (refused - taken > 1) {
    const middle = Math.floor((taken + refused) / 2)
    if (await takesFrame(address, middle)) taken = middle
    else refused = middle
  }
  return taken
}

async function takesFrame(address: Address, bytes: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes)
  const socket = connect(address)
  let reply = ''
  socket.setTimeout(patienceMilliseconds, () => socket.destroy(new Error(`no answer within ${patienceMilliseconds / 1000} s`)))
  socket.on('data', (chunk) => (reply += chunk.toString('latin1')))
  socket.on('error', reject)
  socket.on('close', () => resolve(reply))
  socket.end(Buffer.concat([Buffer.from('zINSTREAM\0'), length]))
  try {
    return !(await promise).includes('size limit exceeded')
  } catch (error) {
    throw unavailable(address, error)
  }
}
