import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
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
    expect((await fetch(new URL('/elsewhere', part.httpUrl))).status).toBe(404)
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
