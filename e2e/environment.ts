/** Everything that a black-box test knows about the installation. */
export interface Installation {
  readonly url: string
  readonly apiKey: string
  readonly tenant: string
  readonly email: string
  readonly password: string
}

function required(name: string): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(`${name} is not set: start a stack with \`slipway up\` and source its dev.env, or run \`slipway test e2e\``)
}

/** @throws when one of the five variables is missing */
export function installation(): Installation {
  return {
    url: required('SLIPWAY_URL').replace(/\/$/, ''),
    apiKey: required('SLIPWAY_API_KEY'),
    tenant: required('SLIPWAY_TENANT'),
    email: required('SLIPWAY_EMAIL'),
    password: required('SLIPWAY_PASSWORD'),
  }
}
