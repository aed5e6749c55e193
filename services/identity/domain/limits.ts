/** Who tokens are for: every service of this installation. */
export const audience = 'slipway'

export const accessTokenSeconds = 900
/** One-time links in mails. */
export const linkSeconds = 600
export const confirmationSeconds = 86_400
export const invitationSeconds = 7 * 86_400

export const passwordLength = { min: 10, max: 128 }

/** How long public keys stay published after they signed for the last time. */
export const keyGraceSeconds = 2 * 86_400
/** A new key is published this long before it signs: verifiers load the set every five minutes. */
export const keyLeadSeconds = 600

/** Attempts are counted over this time. */
export const attemptSeconds = 900

/** Signed in by a link so recently that the password may be set without knowing the old one. */
export const freshLinkSeconds = 600

/** Verifiers ask for the revocations of the last hour; the rest is margin. */
export const revocationHours = 25
