import { createHash } from 'node:crypto'
import { reply, routesFor } from '@slipway/http'
import type { IdentityContext } from '../context.ts'

const route = routesFor<IdentityContext>()

/**
 * Runs in the browser. The token comes in the fragment, so no server and no log has seen it, and is used when the person presses the
 * button: programs that open links in mails consume nothing.
 */
const script = `
const { kind, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
const button = document.querySelector('button'), text = document.querySelector('p')
history.replaceState(null, '', location.pathname)
const actions = {
  'magic-link': { label: 'Sign in', path: '/api/v1/auth/magic-link/consume', body: { token, cookie: true }, done: 'You are signed in.' },
  'confirm-email': { label: 'Confirm my address', path: '/api/v1/auth/confirm-email', body: { token }, done: 'Thank you. You can sign in now.' },
}
const action = actions[kind]
if (kind === 'invitation' && token) text.textContent = 'Sign up or sign in, and accept the invitation with this code: ' + token
else if (!action || !token) text.textContent = 'This link is not complete.'
else {
  text.textContent = ''
  button.textContent = action.label
  button.hidden = false
  button.addEventListener('click', async () => {
    button.disabled = true
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(action.body) }
    const answer = await fetch(action.path, init).catch(() => null)
    button.hidden = true
    text.textContent = answer && answer.ok ? action.done : 'The link does not work any more. Ask for a new one.'
  })
}
`

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Slipway</title>
<main><h1>Slipway</h1><p>This page needs JavaScript.</p><button hidden></button></main>
<script>${script}</script>
</html>
`

const policy = [
  "default-src 'none'",
  `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const linkPageRoute = route(
  {
    method: 'GET',
    path: '/api/v1/auth/link',
    operation: 'auth.linkPage',
    summary: 'The page that links in mails open',
    description: 'Shows a button; nothing is consumed until it is pressed. IDENTITY_LINK_URL names another page.',
    tags: ['sign-in'],
    auth: 'none',
    responses: { 200: { description: 'A page', content: 'text/html' } },
  },
  () => Promise.resolve(reply(200, page, { headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy } })),
)
