import { flag, integer, secret, secretUrl, text, url, type Values } from '@slipway/config'

/** The variables of identity, beside those of the platform. */
export const identityVariables = {
  secret: secret('IDENTITY_SECRET', {
    description:
      'Encrypts the private keys that sign access tokens; at least 32 characters. Or several, `<version>:<secret>` separated by commas: the first one encrypts, all of them decrypt',
  }),
  encryptionKeys: secret('IDENTITY_ENCRYPTION_KEY', {
    description:
      'Keys for secrets at rest, `<id>:<32 bytes in base64>` separated by commas. The first one encrypts, all of them decrypt: rotate by putting a new one first',
  }),
  openSignUp: flag('IDENTITY_OPEN_SIGN_UP', { default: false, description: 'Anybody may make an account; otherwise only who was invited' }),
  verifyEmail: flag('IDENTITY_VERIFY_EMAIL', {
    default: true,
    description: 'New accounts confirm their mail address before they can sign in; only development goes without',
  }),
  sessionDays: integer('IDENTITY_SESSION_DAYS', { default: 30, min: 1, max: 365, description: 'Days after which an unused session ends' }),
  signingKeyDays: integer('IDENTITY_SIGNING_KEY_DAYS', {
    default: 30,
    min: 1,
    max: 365,
    description: 'Days for which a key signs access tokens',
  }),
  attemptsPerAccount: integer('IDENTITY_ATTEMPTS_PER_ACCOUNT', {
    default: 10,
    min: 1,
    max: 10_000,
    description:
      'Sign-ins from one network, and requests for mails, about one address in 15 minutes; ten times as many sign-ins from all networks',
  }),
  mail: {
    smtp: secretUrl('SMTP_URL', { protocols: ['smtp', 'smtps'], description: 'Mail server, with user and password where it wants them' }),
    from: text('MAIL_FROM', { description: 'Sender of all mails: `Slipway <no-reply@example.com>`' }),
    linkUrl: url('IDENTITY_LINK_URL', {
      optional: true,
      protocols: ['http', 'https'],
      description: 'Page that links in mails open, with `#kind=…&token=…` behind it; identity serves one itself',
    }),
  },
}

export type IdentityConfig = Values<typeof identityVariables>
