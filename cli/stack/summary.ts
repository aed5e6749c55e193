import { type Home, homeOption } from '../home.ts'
import type { StackState } from '../supervisor/state.ts'
import { shellWord } from '../text.ts'
import { readConnections } from './connections.ts'
import { readDevEnv } from './dev-env.ts'

/** What a person needs to begin: where it is, who they are, a first call. */
export function renderSummary(home: Home, { url }: StackState): string {
  const env = readDevEnv(home.devEnv)
  const account = env
    ? [
        `  Tenant         ${env.SLIPWAY_TENANT}`,
        `  Sign-in        ${env.SLIPWAY_EMAIL}  ${env.SLIPWAY_PASSWORD}`,
        `  API key        ${env.SLIPWAY_API_KEY}`,
      ]
    : []
  return [
    `  Console        ${url}`,
    ...account,
    `  Documentation  ${url}/docs`,
    `  Mails          ${url}/dev/mail`,
    `  Environment    ${home.devEnv}`,
    '',
    `  . ${shellWord(home.devEnv)}`,
    '  curl -H "Authorization: Bearer $SLIPWAY_API_KEY" -F file=@photo.jpg $SLIPWAY_URL/api/v1/files',
    ...warnings(home),
  ].join('\n')
}

export const testSignatureWarning =
  'ClamAV has no real signature database: only the EICAR test file is found. Let freshclam reach its mirror for real protection.'

function warnings(home: Home): string[] {
  if (readConnections(home)?.signatures !== 'test') return []
  return ['', `  Warning: ${testSignatureWarning}`, `  \`slipway doctor${homeOption(home)}\` tells when this changes.`]
}
