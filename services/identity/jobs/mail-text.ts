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
  const { subject, found } = findings(count, facts.infected ?? count)
  return {
    subject: `${subject} ${tenant}`,
    text: `The scanner has looked again at ${count} ${whose} in ${tenant} that had been clean before. ${found}:\n\n${oneLine(facts.names ?? '')}\n\nNobody can read these files any more; who has downloaded them should look at the copies. Admins find them in the quarantine, with how often they were read.`,
  }
}

/** Of what was taken from its readers, that which is not malware has other bytes than were uploaded, which nobody can look at. */
function findings(count: string, infected: string): { subject: string; found: string } {
  const altered = 'other bytes are stored than were uploaded, and it cannot look into them'
  if (infected === count) return { subject: 'Malware found in files of', found: 'It knows new malware, and found it in them' }
  if (infected === '0') return { subject: 'Altered files in', found: `Of them ${altered}` }
  return { subject: 'Malware found in files of', found: `It found malware in ${infected} of them; of the others ${altered}` }
}

/** Names come from people: a line break in a subject would start another header. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
