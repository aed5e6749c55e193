import type { Mail } from './mailbox.ts'

const style =
  'body{font:15px system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}td,th{text-align:left;padding:.3rem 1rem .3rem 0}iframe{width:100%;height:60vh;border:1px solid #ccc}pre{white-space:pre-wrap}'

export function listPage(mails: readonly Mail[]): string {
  const rows = mails.map(
    (mail) =>
      `<tr><td>${escape(mail.receivedAt)}</td><td>${escape(mail.to.join(', '))}</td><td><a href="/dev/mail/${escape(mail.id)}">${escape(mail.subject || '(no subject)')}</a></td></tr>`,
  )
  return page('Mails', `<table><tr><th>Received</th><th>To</th><th>Subject</th></tr>${rows.toReversed().join('')}</table>`)
}

/** The HTML of a mail runs in a frame without scripts and without our origin. */
export function mailPage(mail: Mail): string {
  const facts = [
    ['From', mail.from],
    ['To', mail.to.join(', ')],
    ['Received', mail.receivedAt],
    ['Attachments', mail.attachments.map(({ name, size }) => `${name} (${size} bytes)`).join(', ')],
  ].filter(([, value]) => value)
  const rows = facts.map(([name, value]) => `<tr><th>${name}</th><td>${escape(value ?? '')}</td></tr>`).join('')
  const html = mail.html === null ? '' : `<iframe sandbox="allow-popups" srcdoc="${escape(`<base target="_blank">${mail.html}`)}"></iframe>`
  return page(mail.subject, `<p><a href="/dev/mail">All mails</a></p><table>${rows}</table>${html}<pre>${withLinks(mail.text)}</pre>`)
}

function page(title: string, body: string): string {
  const name = escape(title)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${name}</title><style>${style}</style><h1>${name}</h1>${body}</html>`
}

function withLinks(text: string): string {
  return escape(text).replaceAll(/https?:\/\/[^\s<>"']+/g, (address) => `<a href="${address}">${address}</a>`)
}

function escape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}
