import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { createMailer, RefusedError } from './mailer.ts'

/** What a mail server says to a command; null = nothing, for ever. */
type Replies = Partial<Record<'greeting' | 'EHLO' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'content', string | null>>

interface Server extends AsyncDisposable {
  readonly url: string
  /** Lines that clients have sent, commands and content alike. */
  readonly heard: string[]
  /** Connections that are open now. */
  readonly open: Set<Socket>
}

const polite: Required<Replies> = {
  greeting: '220 hello',
  EHLO: '250 me',
  AUTH: '535 wrong password',
  MAIL: '250 ok',
  RCPT: '250 ok',
  DATA: '354 go on',
  content: '250 queued',
}

/** A mail server that says what the test wants. */
async function mailServer(rude: Replies = {}): Promise<Server> {
  const replies = { ...polite, ...rude }
  const heard: string[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => undefined)
    converse(socket, replies, heard)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    open,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function converse(socket: Socket, replies: Required<Replies>, heard: string[]): void {
  const say = (line: string | null) => line !== null && socket.write(`${line}\r\n`)
  let content = false
  say(replies.greeting)
  createInterface({ input: socket }).on('line', (line) => {
    heard.push(line)
    if (content) {
      if (line !== '.') return
      content = false
      say(replies.content)
      return
    }
    const verb = line.slice(0, 4).toUpperCase()
    content = verb === 'DATA' && replies.DATA?.startsWith('354') === true
    say(verb in replies ? (replies[verb as keyof Replies] ?? null) : '221 bye')
  })
}

const mail = { id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b10', to: 'ada@example.com', subject: 'Hello', text: 'Text' }
const from = 'Slipway <no-reply@slipway.test>'
const mailerTo = ({ url }: Server, options = '') => createMailer({ url: `${url}${options}`, from, domain: 'slipway.test' })
const failure = (work: Promise<void>) =>
  work.then(
    () => expect.unreachable('it was sent'),
    (error: unknown) => error,
  )

describe('a mail', () => {
  it('goes to one recipient, under its id, marked as made by a program', async () => {
    await using server = await mailServer()
    await using mailer = mailerTo(server)
    await mailer.send(mail)
    expect(server.heard).toEqual(
      expect.arrayContaining([
        'MAIL FROM:<no-reply@slipway.test>',
        'RCPT TO:<ada@example.com>',
        `Message-ID: <${mail.id}@slipway.test>`,
        'Auto-Submitted: auto-generated',
      ]),
    )
    expect(server.heard.filter((line) => line.startsWith('RCPT'))).toHaveLength(1)
  })

  it.each([
    ['a line break in the subject', { subject: 'Hi\r\nBcc: victim@example.com' }],
    ['a line break in the subject, bare', { subject: 'Hi\nBcc: victim@example.com\n\nBody' }],
    ['a list of recipients in the address', { to: 'ada@example.com, victim@example.com' }],
    ['a command in the address', { to: 'ada@example.com>\r\nRCPT TO:<victim@example.com' }],
  ])('reaches nobody else by %s', async (_name, changed) => {
    await using server = await mailServer()
    await using mailer = mailerTo(server)
    await mailer.send({ ...mail, ...changed }).catch(() => undefined)
    expect(server.heard.filter((line) => /^(bcc|rcpt to:<victim)/i.test(line))).toEqual([])
  })

  it('ends where it ends: a dot on a line of its own is content', async () => {
    await using server = await mailServer()
    await using mailer = mailerTo(server)
    await mailer.send({ ...mail, text: 'before\n.\nMAIL FROM:<evil@example.com>\nafter' })
    expect(server.heard).toContain('..')
    expect(server.heard.filter((line) => line === '.')).toHaveLength(1)
    expect(server.heard.indexOf('MAIL FROM:<evil@example.com>')).toBeLessThan(server.heard.indexOf('.'))
  })
})

describe('a mail server that refuses', () => {
  it.each<[string, Replies, boolean]>([
    ['the recipient for good', { RCPT: '550 no such user' }, true],
    ['the sender for good', { MAIL: '553 not you' }, true],
    ['the content for good', { content: '554 looks like spam' }, true],
    ['the recipient for now', { RCPT: '450 greylisted' }, false],
    ['the content for now', { content: '451 try later' }, false],
    ['everybody for now', { greeting: '421 too busy' }, false],
    ['everybody, as it is misconfigured', { greeting: '554 go away' }, false],
  ])('%s', async (_name, replies, forGood) => {
    await using server = await mailServer(replies)
    await using mailer = mailerTo(server)
    const error = await failure(mailer.send(mail))
    expect(error).toBeInstanceOf(Error)
    expect(error instanceof RefusedError).toBe(forGood)
  })

  it('a password is worth another try: the operator corrects it', async () => {
    await using server = await mailServer({ EHLO: '250-me\r\n250 AUTH PLAIN' })
    await using mailer = createMailer({ url: server.url.replace('smtp://', 'smtp://user:wrong@'), from, domain: 'slipway.test' })
    const error = await failure(mailer.send(mail))
    expect(error).not.toBeInstanceOf(RefusedError)
    expect(server.heard.some((line) => line.startsWith('AUTH'))).toBe(true)
  })

  it('does not say the password of ours in what is kept of the failure', async () => {
    await using server = await mailServer({ EHLO: '250-me\r\n250 AUTH PLAIN' })
    await using mailer = createMailer({ url: server.url.replace('smtp://', 'smtp://user:hunter2@'), from, domain: 'slipway.test' })
    expect(String(await failure(mailer.send(mail)))).not.toContain('hunter2')
  })
})

describe('a mail server that does not answer', () => {
  it.each<[string, Replies, string]>([
    ['at all', { greeting: null }, 'greetingTimeout'],
    ['to the first command', { EHLO: null }, 'socketTimeout'],
    ['to the recipient', { RCPT: null }, 'socketTimeout'],
    ['to the content', { content: null }, 'socketTimeout'],
  ])('%s is left', async (_name, replies, patience) => {
    await using server = await mailServer(replies)
    await using mailer = mailerTo(server, `/?${patience}=50`)
    const error = await failure(mailer.send(mail))
    expect(error).toMatchObject({ code: 'ETIMEDOUT' })
    expect(error).not.toBeInstanceOf(RefusedError)
    await expect.poll(() => server.open.size).toBe(0)
  })

  it('is no longer there', async () => {
    const server = await mailServer()
    await server[Symbol.asyncDispose]()
    await using mailer = mailerTo(server)
    expect(await failure(mailer.send(mail))).toMatchObject({ code: 'ESOCKET' })
  })

  it('leaves no connection behind after mails that were sent', async () => {
    await using server = await mailServer()
    await using mailer = mailerTo(server)
    await Promise.all(Array.from({ length: 5 }, () => mailer.send(mail)))
    await expect.poll(() => server.open.size).toBe(0)
  })
})
