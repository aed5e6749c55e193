import { linkSeconds } from '../domain/limits.ts'
import type { MailKind } from './identity-mail.ts'

interface Words {
  readonly subject: string
  readonly text: string
}

/** What a mail says. `link` is null for those that carry none. */
export function mailText(kind: MailKind, link: string | null, facts: Readonly<Record<string, string>>): Words {
  const tenant = oneLine(facts.tenant ?? 'a tenant')
  const texts: Record<MailKind, Words> = {
    'magic-link': {
      subject: 'Your sign-in link',
      text: `Open this link to sign in. It works once and for ${linkSeconds / 60} minutes:\n\n${link}\n\nIf you did not ask for it, ignore this mail.`,
    },
    'confirm-email': {
      subject: 'Confirm your address',
      text: `Open this link to confirm your address. It works once and for a day:\n\n${link}\n\nIf you did not sign up, ignore this mail.`,
    },
    'account-exists': {
      subject: 'You already have an account',
      text: 'Somebody, maybe you, tried to sign up with your address. You have an account already: sign in instead, with your password or by a link.',
    },
    invitation: {
      subject: `Invitation to ${tenant}`,
      text: `You are invited to ${tenant} as ${facts.role ?? 'member'}. The link works once and for a week:\n\n${link}`,
    },
    'files-infected': infected(tenant, facts),
  }
  return texts[kind]
}

function infected(tenant: string, facts: Readonly<Record<string, string>>): Words {
  const count = facts.count ?? 'some'
  const whose = facts.whose === 'own' ? 'files of yours' : 'files'
  return {
    subject: `Malware found in files of ${tenant}`,
    text: `The scanner knows new malware, and found it in ${count} ${whose} in ${tenant} that had been clean before:\n\n${oneLine(facts.names ?? '')}\n\nNobody can read these files any more; who has downloaded them should look at the copies. Admins find them in the quarantine, with how often they were read.`,
  }
}

/** Names come from people: a line break in a subject would start another header. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
