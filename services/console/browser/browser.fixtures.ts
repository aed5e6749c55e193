import { readFileSync } from 'node:fs'
import { processEnvironment } from '@slipway/config'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

/** The stack that the tests look at, as `slipway up` describes it in dev.env. */
export function stack(): { url: string; email: string; password: string; apiKey: string; tenant: string } {
  const environment = processEnvironment()
  const read = (name: string) => {
    const value = environment[name]
    if (!value) throw new Error(`${name} is not set: read the dev.env of a running stack, or use \`slipway test browser\``)
    return value
  }
  return {
    url: read('SLIPWAY_URL'),
    email: read('SLIPWAY_EMAIL'),
    password: read('SLIPWAY_PASSWORD'),
    apiKey: read('SLIPWAY_API_KEY'),
    tenant: read('SLIPWAY_TENANT'),
  }
}

/** Debian's Chromium, unless CHROME_BIN names another. A root user has no other sandbox than the machine itself. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: processEnvironment()['CHROME_BIN'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  })
}

/** Runs share a stack: each names its things anew. */
export const unique = (name: string) => `${Date.now().toString(36)}-${name}`

/** What no screen may do: break the policy, ask a foreign host, or throw. */
export interface Watch {
  readonly faults: string[]
}

export async function openPage(context: BrowserContext, origin: string): Promise<{ page: Page; watch: Watch }> {
  const faults: string[] = []
  const page = await context.newPage()
  // What is looked at is there or not, and never on its way.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('console', (message) => {
    const text = message.text()
    // The first question of a signed-out visit is answered with 401, which browsers write down as an error; and of a machine that gets or
    // loses a network interface, with which this stack has nothing to do, every browser complains.
    if (message.type() === 'error' && !/status of (400|401|404|409|412|422)|ERR_NETWORK_CHANGED/.test(text)) faults.push(`console: ${text}`)
  })
  page.on('request', (request) => {
    if (/^https?:/.test(request.url()) && !request.url().startsWith(`${origin}/`)) faults.push(`foreign: ${request.url()}`)
  })
  return { page, watch: { faults } }
}

export async function signIn(page: Page): Promise<void> {
  const { email, password } = stack()
  await page.getByLabel('Mail address').fill(email)
  await page.getByLabel(/^Password/).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('navigation', { name: 'Screens' }).waitFor()
}

const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/** What axe calls serious or critical on this page, with the elements. Run by the debugger, which no policy of the page stops. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // Half-way through a transition colours are neither of the two.
  await page.evaluate(async () => {
    const transitions = document.getAnimations().filter((animation) => animation instanceof CSSTransition)
    await Promise.allSettled(transitions.map(({ finished }) => finished))
  })
  await page.evaluate(axe)
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run()
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  })
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

interface AxeResults {
  violations: { id: string; impact: string; help: string; nodes: { html: string }[] }[]
}

/** Put together at run time: scanners of the machine would take the literal for malware. */
export function eicar(): Buffer {
  return Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''))
}
