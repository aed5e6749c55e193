import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startMailCatcher } from './index.ts'
import { exchange, mailLines, smtp } from './stack.fixtures.ts'

const simple = {
  to: ['ann@example.com'],
  content: 'From: x@example.com\nTo: ann@example.com\nSubject: Hello\n\nOpen https://example.com/a?b=1&c=2 now',
}

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-mail-'))
})
afterEach(() => rm(home, { recursive: true }))

describe('startMailCatcher', () => {
  it('keeps a mail with its envelope, headers and text', async () => {
    await using part = await startMailCatcher()
    const lines = mailLines({ ...simple, from: 'noreply@example.com', to: ['ann@example.com', 'hidden@example.com'] })
    expect(await smtp(part.smtpPort, lines)).toMatch(/^250/)
    expect(part.messages()).toMatchObject([
      {
        id: '00000001',
        from: 'noreply@example.com',
        to: ['ann@example.com', 'hidden@example.com'],
        subject: 'Hello',
        text: 'Open https://example.com/a?b=1&c=2 now',
        html: null,
        headers: { subject: 'Hello', to: 'ann@example.com' },
      },
    ])
  })

  it('decodes encoded subjects, HTML and attachments', async () => {
    await using part = await startMailCatcher()
    const content = [
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b\nContent-Type: text/html; charset=utf-8\n\n<p>Hi</p>',
      '--b\nContent-Type: text/csv; name=a.csv\nContent-Disposition: attachment; filename=a.csv\n\n1,2',
      '--b--',
    ].join('\n')
    await smtp(part.smtpPort, mailLines({ to: ['a@b.c'], content }))
    expect(part.messages()[0]).toMatchObject({
      subject: 'Grüße',
      html: '<p>Hi</p>',
      attachments: [{ name: 'a.csv', contentType: 'text/csv', size: 3 }],
    })
  })

  it('takes any credentials', async () => {
    await using part = await startMailCatcher()
    const credentials = Buffer.from('\0user\0password').toString('base64')
    expect(await smtp(part.smtpPort, ['EHLO test', `AUTH PLAIN ${credentials}`])).toMatch(/^235/)
  })

  it('waits for a mail that is to come, and finds one that is here', async () => {
    await using part = await startMailCatcher()
    const waiting = part.waitFor((mail) => mail.to.includes('late@example.com'))
    await smtp(part.smtpPort, mailLines(simple))
    await smtp(part.smtpPort, mailLines({ ...simple, to: ['late@example.com'] }))
    expect((await waiting).id).toBe('00000002')
    expect((await part.waitFor((mail) => mail.subject === 'Hello')).id).toBe('00000001')
  })

  it('says what came instead when the mail does not', async () => {
    await using part = await startMailCatcher()
    await smtp(part.smtpPort, mailLines(simple))
    await expect(part.waitFor((mail) => mail.subject === 'Other', 0.01)).rejects.toThrow('"Hello" to ann@example.com')
  })

  it('keeps the last mails only', async () => {
    await using part = await startMailCatcher({ home, keep: 2 })
    for (const subject of ['one', 'two', 'three']) {
      await smtp(part.smtpPort, mailLines({ to: ['a@b.c'], content: `Subject: ${subject}\n\n.` }))
    }
    expect(part.messages().map((mail) => mail.subject)).toEqual(['two', 'three'])
    expect(await readdir(join(home, 'mail'))).toHaveLength(2)
  })

  it('keeps mails over a restart, passes over damaged files and goes on counting', async () => {
    const first = await startMailCatcher({ home })
    await smtp(first.smtpPort, mailLines(simple))
    await first.stop()
    await first.stop()
    expect(await first.exited).toBe(0)
    await writeFile(join(home, 'mail', '00000000.json'), '{"id": "0000')
    await using second = await startMailCatcher({ home })
    await smtp(second.smtpPort, mailLines(simple))
    expect(second.messages().map((mail) => mail.id)).toEqual(['00000001', '00000002'])
  })

  it('refuses a mail that is too large, whether the sender says so or not, and goes on to serve', async () => {
    await using part = await startMailCatcher()
    const tooLarge = 25 * 1024 * 1024 + 1
    expect(await smtp(part.smtpPort, ['EHLO test', `MAIL FROM:<a@b.c> SIZE=${tooLarge}`])).toMatch(/^552/)
    const line = `${'x'.repeat(998)}\n`
    const content = `Subject: large\n\n${line.repeat(Math.ceil(tooLarge / 999))}`
    expect(await smtp(part.smtpPort, mailLines({ to: ['a@b.c'], content }))).toMatch(/^552/)
    expect(part.messages()).toEqual([])
    expect(await smtp(part.smtpPort, mailLines(simple))).toMatch(/^250/)
  }, 30_000)

  it('keeps text beside HTML, several attachments in their order, and one without a name', async () => {
    await using part = await startMailCatcher()
    const content = [
      'Subject: two ways',
      'Content-Type: multipart/mixed; boundary=m',
      '',
      '--m\nContent-Type: multipart/alternative; boundary=a\n',
      '--a\nContent-Type: text/plain; charset=utf-8\n\nas text',
      '--a\nContent-Type: text/html; charset=utf-8\n\n<b>as HTML</b>',
      '--a--',
      '--m\nContent-Type: image/png\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="../../etc/passwd"\n\nAAECAw==',
      '--m\nContent-Type: application/octet-stream\nContent-Disposition: attachment\n\nx',
      '--m--',
    ].join('\n')
    await smtp(part.smtpPort, mailLines({ to: ['a@b.c'], content }))
    const [mail] = part.messages()
    expect(mail).toMatchObject({ text: 'as text', html: '<b>as HTML</b>' })
    expect(mail?.attachments.map(({ contentType, size }) => [contentType, size])).toEqual([
      ['image/png', 4],
      ['application/octet-stream', 1],
    ])
    expect(mail?.attachments[1]?.name).toBe('')
  })

  it('catches what many senders send at once, each mail under an id of its own', async () => {
    await using part = await startMailCatcher({ home })
    const addresses = Array.from({ length: 20 }, (_, index) => `person-${index}@example.com`)
    const replies = await Promise.all(addresses.map((to) => smtp(part.smtpPort, mailLines({ ...simple, to: [to] }))))
    expect(replies.every((reply) => reply.startsWith('250'))).toBe(true)
    expect(new Set(part.messages().map((mail) => mail.id)).size).toBe(20)
    expect(
      part
        .messages()
        .flatMap((mail) => mail.to)
        .toSorted(),
    ).toEqual(addresses.toSorted())
    expect(await readdir(join(home, 'mail'))).toHaveLength(20)
  })

  it('keeps a mail for its owner only, and forgets a removed one over a restart', async () => {
    const first = await startMailCatcher({ home })
    for (let count = 0; count < 2; count++) await smtp(first.smtpPort, mailLines(simple))
    expect((await stat(join(home, 'mail', '00000001.json'))).mode & 0o777).toBe(0o600)
    await fetch(`${first.httpUrl}/00000001`, { method: 'DELETE' })
    await first.stop()
    await using second = await startMailCatcher({ home })
    expect(second.messages().map((mail) => mail.id)).toEqual(['00000002'])
  })

  it('keeps none when it is told to keep none, but still tells who waits', async () => {
    await using part = await startMailCatcher({ keep: 0 })
    const waiting = part.waitFor(() => true)
    await smtp(part.smtpPort, mailLines(simple))
    expect((await waiting).subject).toBe('Hello')
    expect(part.messages()).toEqual([])
  })

  it('stops while a sender is in the middle of a mail', async () => {
    const part = await startMailCatcher()
    const sender = connect({ host: '127.0.0.1', port: part.smtpPort })
    sender.on('error', () => undefined)
    const closed = new Promise((done) => sender.once('close', done))
    await new Promise((done) => sender.once('data', done))
    sender.write('EHLO test\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nSubject: half')
    await part.stop()
    await closed
    expect(part.messages()).toEqual([])
  })

  it('names the port in use', async () => {
    await using part = await startMailCatcher()
    await expect(startMailCatcher({ smtpPort: part.smtpPort })).rejects.toMatchObject({ code: 'port-in-use' })
    const error = await startMailCatcher({ httpPort: part.httpPort }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'port-in-use' })
    expect(String(error)).toContain(`port ${part.httpPort} of mail reader`)
  })
})

describe('GET /dev/mail', () => {
  it('lists mails as JSON and as a page', async () => {
    await using part = await startMailCatcher()
    await smtp(part.smtpPort, mailLines(simple))
    const listing = await (await fetch(part.httpUrl)).json()
    expect(listing).toMatchObject({ items: [{ id: '00000001', subject: 'Hello' }] })
    const page = await fetch(part.httpUrl, { headers: { accept: 'text/html,*/*' } })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page.text()).toContain('<a href="/dev/mail/00000001">Hello</a>')
  })

  it('shows one mail, with its links', async () => {
    await using part = await startMailCatcher()
    await smtp(part.smtpPort, mailLines(simple))
    expect(await (await fetch(`${part.httpUrl}/00000001`)).json()).toMatchObject({ subject: 'Hello' })
    const page = await (await fetch(`${part.httpUrl}/00000001`, { headers: { accept: 'text/html' } })).text()
    expect(page).toContain('<a href="https://example.com/a?b=1&amp;c=2">')
  })

  it('lets no script of a mail run', async () => {
    await using part = await startMailCatcher()
    const script = '<script>alert(1)</script>'
    const content = `Subject: ${script}\nContent-Type: text/html\n\n"><img src=x onerror=alert(1)>${script}`
    await smtp(part.smtpPort, mailLines({ to: ['a@b.c'], content }))
    for (const path of ['', '/00000001']) {
      const page = await fetch(`${part.httpUrl}${path}`, { headers: { accept: 'text/html' } })
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(await page.text()).not.toMatch(/<script|<img/)
    }
  })

  it('answers 404 and 405, HEAD without a body, and DELETE', async () => {
    await using part = await startMailCatcher()
    for (let count = 0; count < 3; count++) await smtp(part.smtpPort, mailLines(simple))
    expect((await fetch(`${part.httpUrl}/00000009`)).status).toBe(404)
    for (const path of ['/elsewhere', '/dev/mailbox', '/dev/mail/00000001/raw', '/dev/mail/..%2f..%2fsecrets']) {
      expect((await fetch(new URL(path, part.httpUrl))).status).toBe(404)
    }
    const refused = await fetch(part.httpUrl, { method: 'POST' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE'])
    expect(await (await fetch(part.httpUrl, { method: 'HEAD' })).text()).toBe('')
    expect((await fetch(`${part.httpUrl}/00000001`, { method: 'DELETE' })).status).toBe(204)
    expect((await fetch(`${part.httpUrl}/00000001`, { method: 'DELETE' })).status).toBe(404)
    expect(part.messages()).toHaveLength(2)
    expect((await fetch(part.httpUrl, { method: 'DELETE' })).status).toBe(204)
    expect(part.messages()).toHaveLength(0)
  })

  it('survives a request that is none', async () => {
    await using part = await startMailCatcher()
    expect(await exchange(part.httpPort, Buffer.from('GET //[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))).toMatch(
      /^(HTTP\/1.1 4\d\d|$)/,
    )
    expect((await fetch(part.httpUrl)).status).toBe(200)
  })
})
