import { Secret } from './secret.ts'

interface Credentials {
  readonly user: string | null
  readonly password: Secret | null
}

/** A URL with the credentials of it that are kept apart, as it is easier to hand out a secret by itself than as a part of a URL. */
export function withCredentials(url: Secret, { user, password }: Credentials): Secret {
  const whole = new URL(url.reveal())
  // The setters alone would let a percent sign through.
  if (user !== null) whole.username = encodeURIComponent(user)
  if (password !== null) whole.password = encodeURIComponent(password.reveal())
  return new Secret(whole.href)
}
