import { createTransport } from 'nodemailer'

export interface Mail {
  /** Same id = same mail: servers and readers drop the second one. */
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
}

export interface Mailer extends AsyncDisposable {
  send(mail: Mail): Promise<void>
}

/** Mail by SMTP over a small pool of connections. */
export function createMailer({ url, from, domain }: { url: string; from: string; domain: string }): Mailer {
  const transport = createTransport(url, { from })
  return {
    send: async ({ id, to, subject, text }) => {
      await transport.sendMail({
        messageId: `<${id}@${domain}>`,
        to: { name: '', address: to },
        subject,
        text,
        headers: { 'auto-submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
      })
    },
    [Symbol.asyncDispose]: () => {
      transport.close()
      return Promise.resolve()
    },
  }
}
