import { createServer, type Server } from 'node:http'
import { resolve } from 'node:path'
import { callbackify } from 'node:util'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import { openHome } from './home.ts'
import { serveMail } from './mail-http.ts'
import { type Mail, Mailbox, type NewMail } from './mailbox.ts'
import type { Part } from './part.ts'
import { choosePort } from './ports.ts'

const localhost = '127.0.0.1'
const largestMail = 25 * 1024 * 1024

export interface MailPart extends Part {
  /** `smtp://127.0.0.1:port`: takes every sender and recipient, with any credentials or none. */
  readonly smtpUrl: string
  readonly smtpPort: number
  readonly httpPort: number
  /** Where people read the mails: `http://127.0.0.1:port/dev/mail`. */
  readonly httpUrl: string
  /** In the order of their arrival. */
  messages(): readonly Mail[]
  /** The first mail that fits, also one that is here already. Rejects after that many seconds, 30 without a number. */
  waitFor(fits: (mail: Mail) => boolean, seconds?: number): Promise<Mail>
  clear(): Promise<void>
}

export interface MailOptions {
  smtpPort?: number | undefined
  httpPort?: number | undefined
  /** Where mails survive a restart; in memory only without it. */
  home?: string | undefined
  /** Address that both servers bind; in a container that of the pod, and only there. */
  host?: string
  /** Mails that are kept; older ones go. */
  keep?: number
}

/** A mail server of this process that delivers nothing. */
export async function startMailCatcher(options: MailOptions = {}): Promise<MailPart> {
  const folder = options.home === undefined ? undefined : resolve((await openHome(options.home)).path, 'mail')
  const mailbox = await Mailbox.open({ folder, keep: options.keep ?? 500 })
  const host = options.host ?? localhost
  const smtpPort = await choosePort('mail', options.smtpPort)
  const smtp = await startSmtp(mailbox, { port: smtpPort, host })
  try {
    const httpPort = await choosePort('mail reader', options.httpPort)
    return partOf(mailbox, { smtp, smtpPort, http: await startHttp(mailbox, { port: httpPort, host }), httpPort })
  } catch (error) {
    await closeSmtp(smtp)
    throw error
  }
}

interface Servers {
  smtp: SMTPServer
  smtpPort: number
  http: Server
  httpPort: number
}

function partOf(mailbox: Mailbox, { smtp, smtpPort, http, httpPort }: Servers): MailPart {
  const exited = Promise.withResolvers<number | null>()
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= Promise.all([closeSmtp(smtp), closeHttp(http)]).then(() => exited.resolve(0))
    return stopping
  }
  return {
    name: 'mail',
    pid: process.pid,
    exited: exited.promise,
    stop,
    smtpUrl: `smtp://${localhost}:${smtpPort}`,
    smtpPort,
    httpPort,
    httpUrl: `http://${localhost}:${httpPort}/dev/mail`,
    messages: () => mailbox.list(),
    waitFor: (fits, seconds) => mailbox.waitFor(fits, seconds),
    clear: () => mailbox.clear(),
    [Symbol.asyncDispose]: stop,
  }
}

interface Address {
  readonly port: number
  readonly host: string
}

async function startSmtp(mailbox: Mailbox, { port, host }: Address): Promise<SMTPServer> {
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    size: largestMail,
    closeTimeout: 1000,
    onAuth: (_, __, done) => done(null, { user: 'anyone' }),
    onData: callbackify((stream: SMTPServerDataStream, session: SMTPServerSession) => receive(mailbox, stream, session)),
  })
  server.on('error', () => undefined)
  await new Promise<void>((done, fail) => {
    server.server.once('error', fail)
    server.listen(port, host, done)
  })
  return server
}

async function receive(mailbox: Mailbox, stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
  const parsed = await simpleParser(stream, { skipTextToHtml: true })
  if (stream.sizeExceeded) throw Object.assign(new Error(`the mail is larger than ${largestMail} bytes`), { responseCode: 552 })
  await mailbox.add(mailOf(parsed, session))
}

function mailOf(parsed: ParsedMail, { envelope }: SMTPServerSession): NewMail {
  return {
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map((recipient) => recipient.address),
    subject: parsed.subject ?? '',
    text: (parsed.text ?? '').trimEnd(),
    html: parsed.html || null,
    headers: headersOf(parsed),
    attachments: parsed.attachments.map(({ filename, contentType, size }) => ({ name: filename ?? '', contentType, size })),
  }
}

function headersOf(parsed: ParsedMail): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { key, line } of parsed.headerLines) {
    const value = line.slice(line.indexOf(':') + 1).trim()
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`
  }
  return headers
}

async function startHttp(mailbox: Mailbox, { port, host }: Address): Promise<Server> {
  const server = createServer((request, response) => {
    serveMail(mailbox, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(port, host, done)
  })
  return server
}

function closeSmtp(server: SMTPServer): Promise<void> {
  return new Promise((done) => server.close(done))
}

function closeHttp(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done())
    server.closeAllConnections()
  })
}
