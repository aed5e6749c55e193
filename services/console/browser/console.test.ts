import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eicar, launch, openPage, seriousFindings, signIn, stack, unique, type Watch } from './browser.fixtures.ts'

const { url, tenant } = stack()
let browser: Browser
let context: BrowserContext
let page: Page
let watch: Watch

beforeAll(async () => {
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] })
  ;({ page, watch } = await openPage(context, url))
})

afterAll(async () => {
  await browser.close()
})

function send(...files: { name: string; content: Buffer }[]): Promise<void> {
  const input = page.getByLabel('Files to upload')
  return input.setInputFiles(files.map(({ name, content }) => ({ name, mimeType: 'application/octet-stream', buffer: content })))
}

describe('signing in', () => {
  test('a wrong password is told in words, and the right one leads to where somebody wanted to go', async () => {
    await page.goto(`${url}/files`)
    await page.getByLabel('Mail address').fill(stack().email)
    await page.getByLabel(/^Password/).fill('this is not it')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').getByText('The address or the password is wrong').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await signIn(page)
    await page.getByRole('heading', { name: 'Files', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/files')
  })

  test('no script sees the session, and no token is stored', async () => {
    const seen = await page.evaluate(() => `${document.cookie} ${JSON.stringify(localStorage)} ${JSON.stringify(sessionStorage)}`)
    expect(seen).not.toMatch(/sls_|eyJ/)
  })

  test('a reload goes on with the session', async () => {
    await page.reload()
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
  })
})

describe('files', () => {
  test('a clean one is stored with its verdict, an infected one is refused and lies in quarantine', async () => {
    const [clean, infected] = [unique('clean.txt'), unique('infected.txt')]
    await page.goto(`${url}/files`)
    await send({ name: clean, content: Buffer.from(`hello ${clean}`) }, { name: infected, content: eicar() })
    await page.getByRole('status').getByText('All uploads have ended').waitFor()
    await page.getByRole('row', { name: clean }).getByText('clean', { exact: true }).waitFor()
    await page.getByRole('region', { name: 'Uploads' }).getByText('Malware was found').waitFor()
    expect(await page.getByRole('row', { name: infected }).count()).toBe(0)
    await page.getByRole('tab', { name: 'Quarantine' }).click()
    await page.getByRole('article', { name: infected }).getByText(/eicar/i).first().waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })

  test('is looked at, renamed, moved into a folder, trashed and restored', async () => {
    const [name, renamed, folder] = [unique('a.txt'), unique('b.txt'), unique('folder')]
    await page.goto(`${url}/files`)
    await send({ name, content: Buffer.from(`the content of ${name}`) })
    await page.getByRole('button', { name, exact: true }).click()
    await page.getByText(`the content of ${name}`).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()

    await act(name, 'Rename')
    await page.getByRole('dialog').getByLabel('Name').fill(renamed)
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: renamed, exact: true }).waitFor()

    await page.getByRole('button', { name: 'New folder' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill(folder)
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('link', { name: folder }).waitFor()
    await act(renamed, 'Move')
    await page.getByRole('dialog').getByRole('combobox', { name: 'Into' }).fill(folder)
    await page.getByRole('option', { name: folder }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Move', exact: true }).click()
    await page.getByRole('button', { name: renamed, exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: folder }).click()
    await act(renamed, 'To the trash')

    await page.getByRole('tab', { name: 'Trash' }).click()
    await page.getByRole('button', { name: `Restore ${renamed}` }).click()
    await page.getByText(`${renamed} is back`).waitFor()
  })

  test('the request behind a screen is copied as curl', async () => {
    await page.goto(`${url}/files`)
    await page.getByRole('button', { name: 'Copy as curl' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const text = await page.evaluate(() => navigator.clipboard.readText())
    expect(text).toBe(`curl -H "Authorization: Bearer $SLIPWAY_API_KEY" '${url}/api/v1/files?folderId=root'`)
  })

  async function act(name: string, action: string): Promise<void> {
    await page.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: action, exact: true }).click()
  }
})

describe('the tenant', () => {
  test('a key is shown once, works, and is dead when it is revoked', async () => {
    const name = unique('key')
    await page.goto(`${url}/tenant?tab=keys`)
    await page.getByRole('button', { name: 'Make an API key' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill(name)
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click()
    const key = await page.getByRole('dialog').getByText(/^slp_/).innerText()
    const ask = async () => (await fetch(`${url}/api/v1/files`, { headers: { authorization: `Bearer ${key}` } })).status
    expect(await ask()).toBe(200)
    await page.getByRole('button', { name: 'I have it' }).click()
    expect(await page.getByText(key).count()).toBe(0)
    await page.getByRole('button', { name: `Revoke ${name}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: `Revoke ${name}` }).waitFor({ state: 'detached' })
    await expect.poll(ask, { timeout: 10_000 }).toBe(401)
  })

  test('somebody is invited, and it stands in the audit trail', async () => {
    const email = `${unique('guest')}@example.com`
    await page.goto(`${url}/tenant`)
    await page.getByLabel('Mail address').fill(email)
    await page.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('rowheader', { name: email }).waitFor()
    await page.getByRole('tab', { name: 'Audit' }).click()
    await page.getByRole('table', { name: 'Audit trail' }).getByText(email).first().waitFor()
  })

  test('a setting is set, and a bad key is refused in words', async () => {
    const key = unique('greeting')
    await page.goto(`${url}/tenant?tab=settings`)
    await page.getByRole('button', { name: 'Add a setting' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Key').fill('Not A Key')
    await dialog.getByLabel('Value').fill('hello')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('must be lower-case words').waitFor()
    await dialog.getByLabel('Key').fill(key)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('rowheader', { name: key }).waitFor()
  })
})

describe('home', () => {
  test('tells that only test signatures are loaded, what that means and what to do', async () => {
    await page.goto(url)
    const tile = page.getByRole('region', { name: 'Virus database' })
    await tile.getByText('Only test signatures are loaded: no real malware is found').waitFor()
    await tile.getByText('Let freshclam reach its mirror').waitFor()
    await tile.getByText(/^ClamAV \d/).waitFor()
  })

  test('tells of the API and the workers of every service, of all queues and of the quota', async () => {
    for (const service of ['Identity', 'Files', 'Menu']) {
      const tile = page.getByRole('region', { name: 'Health' }).getByRole('article', { name: service })
      await tile.getByText('1 worker', { exact: true }).waitFor()
      await tile.getByText(`database:${service.toLowerCase()}`).waitFor()
    }
    const queues = page.getByRole('region', { name: 'Work that waits' })
    for (const queue of ['identity-mail', 'model-generation']) {
      await queues
        .getByRole('row', { name: queue })
        .getByText(/nothing waits|oldest waits/)
        .waitFor()
    }
    await page
      .getByRole('region', { name: 'Storage' })
      .getByText(/ of .* in \d+ of .* files/)
      .waitFor()
  })

  test('says when what it shows is old, because the API has gone', async () => {
    // A page of its own, whose broken requests are no fault.
    const other = await context.newPage()
    await other.goto(url)
    const tile = other.getByRole('region', { name: 'Virus database' })
    await tile.getByText(/^ClamAV/).waitFor()
    await other.route('**/api/v1/files/status', (route) => route.abort())
    await tile.getByText('This is not up to date: the server cannot be reached').waitFor({ timeout: 40_000 })
    await tile.getByText(/^ClamAV/).waitFor()
    await other.close()
  })
})

describe('jobs', () => {
  test('each queue tells how long its jobs wait and run', async () => {
    await page.goto(`${url}/jobs?service=identity`)
    const row = page.getByRole('table', { name: 'Queues' }).getByRole('row', { name: /^identity-mail/ })
    await row.getByText(/^waits [\d.]+ m?s, 95 % within [\d.]+ m?s$/).waitFor()
    await row.getByText(/^runs [\d.]+ m?s, 95 % within [\d.]+ m?s$/).waitFor()
    await row.getByRole('button', { name: /completed/ }).waitFor()
  })

  test('one that has ended is replayed as a new job, and names the one it repeats', async () => {
    await page.goto(`${url}/jobs?service=identity&queue=identity-mail&state=completed`)
    const first = page.getByRole('table', { name: 'Jobs', exact: true }).getByRole('button').first()
    await first.click()
    const facts = page.getByRole('table', { name: 'The job' })
    await facts.getByRole('row', { name: /^Waited/ }).waitFor()
    await facts.getByRole('row', { name: /^Ran/ }).waitFor()
    await page.getByRole('button', { name: 'Replay as a new job' }).click()
    await page.getByText('A new job does the work again').waitFor()
    await facts.getByRole('row', { name: /^Repeated as/ }).waitFor()
  })

  test('a job is found by its queue, with its payload', async () => {
    await page.goto(`${url}/jobs?service=identity`)
    await page.getByRole('table', { name: 'Queues' }).getByRole('button', { name: 'identity-mail' }).click()
    await page
      .getByRole('button', { name: /^identity-mail .*waited/ })
      .first()
      .click()
    await page.getByRole('dialog').getByText('"version": 1').waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })
})

const screens = [
  '/',
  '/files',
  '/files?view=trash',
  '/files?view=quarantine',
  '/jobs',
  '/menu',
  '/tenant',
  '/tenant?tab=keys',
  '/tenant?tab=settings',
  '/tenant?tab=audit',
  '/link',
  `/m/${tenant}`,
]

/** Pages for people who have not signed in have nothing that a key could ask. */
const isOutside = (path: string) => path === '/link' || path.startsWith('/m/')

describe.each(['light', 'dark'] as const)('every screen in %s', (colorScheme) => {
  test.each(screens)('%s has no serious finding of axe, and nothing runs over a phone', async (path) => {
    await page.emulateMedia({ colorScheme })
    for (const [width, height] of [
      [1280, 900],
      [390, 844],
      [360, 740],
    ] as const) {
      await page.setViewportSize({ width, height })
      await page.goto(`${url}${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForLoadState('networkidle')
      expect(await page.evaluate(() => document.documentElement.dataset['mantineColorScheme'])).toBe(colorScheme)
      if (!isOutside(path)) await page.getByRole('button', { name: 'Copy as curl' }).waitFor()
      expect(await seriousFindings(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  })
})

test('everything is reached by the keyboard: from the top to a screen', async () => {
  await page.goto(url)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const names: string[] = []
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press('Tab')
    names.push(await page.evaluate(() => document.activeElement?.textContent ?? ''))
  }
  for (const name of ['To the content', 'Home', 'Files', 'Menu', 'Jobs', 'Tenant']) expect(names).toContain(name)
})

test('an address that is none of the console is a problem, not a page', async () => {
  expect((await fetch(`${url}/nowhere`)).status).toBe(404)
  expect((await fetch(`${url}/assets/none.js`)).status).toBe(404)
})

test('a magic link signs in when its button is pressed, and is gone from the address', async () => {
  const other = await browser.newContext()
  const { page: fresh, watch: seen } = await openPage(other, url)
  const before = await links()
  await fresh.goto(url)
  await fresh.getByRole('button', { name: 'Send me a sign-in link instead' }).click()
  await fresh.getByLabel('Mail address').fill(stack().email)
  await fresh.getByRole('button', { name: 'Send me a link' }).click()
  await fresh.getByText('a mail with a link is on its way').waitFor()
  await expect.poll(links).not.toHaveLength(before.length)
  await fresh.goto((await links()).find((link) => !before.includes(link)) ?? '')
  await fresh.getByRole('button', { name: 'Sign in' }).waitFor()
  expect(fresh.url()).not.toContain('token')
  await fresh.getByRole('button', { name: 'Sign in' }).click()
  await fresh.getByRole('navigation', { name: 'Screens' }).waitFor()
  expect(seen.faults).toEqual([])
  await other.close()
})

/** Of all mails that the stack has caught. */
async function links(): Promise<string[]> {
  const { items } = (await (await fetch(`${url}/dev/mail`)).json()) as { items: { text: string }[] }
  return items.flatMap(({ text }) => /https?:\S+kind=magic-link&token=[\w-]+/.exec(text)?.[0] ?? [])
}

test('the policy has no unsafe-inline, the page is never kept and assets are kept for good', async () => {
  const answer = await fetch(url)
  expect(answer.headers.get('content-security-policy')).not.toMatch(/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')/)
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await answer.text())?.[1]
  expect((await fetch(`${url}${script}`)).headers.get('cache-control')).toContain('immutable')
})

test('signing out ends it here', async () => {
  await page.goto(url)
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to Slipway' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in to Slipway' }).waitFor()
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(watch.faults).toEqual([])
})
