import { describe, expect, it } from 'vitest'
import { mailKinds } from './identity-mail.ts'
import { mailText } from './mail-text.ts'

describe('mailText', () => {
  it('has a subject and the link for every kind that carries one', () => {
    for (const kind of mailKinds) {
      const { subject, text } = mailText(kind, 'https://slipway.test/link', { tenant: 'Acme', role: 'admin' })
      expect(subject).toMatch(/\S/)
      if (kind !== 'account-exists' && kind !== 'files-infected') expect(text).toContain('https://slipway.test/link')
    }
  })

  it('names the tenant on one line, whatever its name', () => {
    const { subject } = mailText('invitation', 'https://slipway.test', { tenant: 'Acme\r\nBcc: victim@example.com', role: 'member' })
    expect(subject).toBe('Invitation to Acme Bcc: victim@example.com')
  })

  it.each([
    ['malware only', { infected: '3' }, 'Malware found in files of Acme', /new malware, and found it in them/],
    ['malware and altered bytes', { infected: '1' }, 'Malware found in files of Acme', /malware in 1 of them; of the others other bytes/],
    ['altered bytes only', { infected: '0' }, 'Altered files in Acme', /Of them other bytes are stored than were uploaded/],
    ['what an earlier release found, which told of nothing else', {}, 'Malware found in files of Acme', /new malware/],
  ] as const)('says what was found: %s', (...[, facts, subject, text]) => {
    const words = mailText('files-infected', null, { tenant: 'Acme', count: '3', names: 'a, b, …', ...facts })
    expect(words.subject).toBe(subject)
    expect(words.text).toMatch(text)
    expect(words.text).toContain('looked again at 3 files in Acme')
  })
})
