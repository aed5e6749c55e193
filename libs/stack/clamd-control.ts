import { connect } from 'node:net'

/** Sends one command to clamd and answers its reply without the closing NUL. */
export function clamdCommand(port: number, command: 'PING' | 'RELOAD' | 'VERSION'): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port })
    let reply = ''
    socket.setTimeout(5000, () => socket.destroy(new Error(`clamd does not answer ${command}`)))
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`z${command}\0`))
    socket.on('data', (chunk: string) => {
      reply += chunk
    })
    socket.on('error', fail)
    socket.on('close', () => done(reply.replace(/\0$/, '')))
  })
}
