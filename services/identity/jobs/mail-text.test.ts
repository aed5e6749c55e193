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
})
