import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

const patience = 3000

/**
 * Whether a server of Redis speaks TLS where it was expected not to, or the other way round: each is silent, or hangs up, when it hears the
 * other, which tells nobody why.
 */
export async function speaksOtherProtocol(url: string): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url)
  const address = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 6379) }
  const expectsTls = protocol === 'rediss:'
  const socket = expectsTls ? connect(address) : connectTls({ ...address, rejectUnauthorized: false })
  const signal = AbortSignal.timeout(patience)
  try {
    if (!expectsTls) return (await once(socket, 'secureConnect', { signal })).length === 0
    // To PING it answers, also when it wants a password first.
    socket.write('PING\r\n')
    const [bytes] = (await once(socket, 'data', { signal })) as [Buffer]
    return /^[+-]/.test(bytes.toString('latin1'))
  } catch {
    return false
  } finally {
    socket.on('error', () => undefined)
    socket.destroy()
  }
}
