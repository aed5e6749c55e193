import { createTransport } from 'nodemailer'

export interface Mail {
  /** Same id = same mail: servers and readers drop the second one. */
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
}

export interface Mailer extends AsyncDisposable {
  /** @throws {RefusedError} when trying again would be of no use */
  send(mail: Mail): Promise<void>
}

/** The mail server will not take the mail, now or later. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/**
 * A server that does not answer is left in less time than a job has: otherwise the next try would begin while this one may still succeed,
 * and send the mail twice. What the URL itself says comes first.
 */
const patience = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 8_000, dnsTimeout: 5_000 }

/** Mail by SMTP, with a connection for each. */
export function createMailer({ url, from, domain }: { url: string; from: string; domain: string }): Mailer {
  const transport = createTransport({ url, ...patience }, { from })
  return {
    send: async ({ id, to, subject, text }) => {
      const content = { subject, text, headers: { 'auto-submitted': 'auto-generated' }, disableFileAccess: true, disableUrlAccess: true }
      const sent = transport.sendMail({ messageId: `<${id}@${domain}>`, to: { name: '', address: to }, ...content })
      await sent.catch((cause: unknown) => {
        throw isRefusal(cause) ? new RefusedError(cause.message, { cause }) : cause
      })
    },
    [Symbol.asyncDispose]: () => {
      transport.close()
      return Promise.resolve()
    },
  }
}

/** RFC 5321 §4.2.1: 5yz is for good. Only for sender, recipient and content: a refused password is the operator's to correct. */
function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error) || !('responseCode' in error) || !('code' in error)) return false
  return Number(error.responseCode) >= 500 && (error.code === 'EENVELOPE' || error.code === 'EMESSAGE')
}
