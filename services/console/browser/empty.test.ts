import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, openPage, seriousFindings, signIn, stack, unique, type Watch } from './browser.fixtures.ts'

const { url, tenant: usual } = stack()
const slug = unique('empty')
const name = `Tenant ${slug}`
let browser: Browser
let page: Page
let watch: Watch

beforeAll(async () => {
  browser = await launch()
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  ;({ page, watch } = await openPage(context, url))
  await page.goto(url)
  await signIn(page)
  await makeTenant()
  await page.reload()
})

afterAll(async () => {
  await browser.close()
})

/** With the session of the page, as a program of the same person would. */
async function makeTenant(): Promise<void> {
  const made = await page.evaluate(
    async (body) => {
      const json = { 'content-type': 'application/json' }
      const post = (path: string, data: object, headers: object) =>
        fetch(path, { method: 'POST', body: JSON.stringify(data), headers: { ...json, ...headers } })
      const { accessToken } = (await (await post('/api/v1/auth/token', {}, {})).json()) as { accessToken: string }
      return (await post('/api/v1/tenants', body, { authorization: `Bearer ${accessToken}` })).status
    },
    { slug, name },
  )
  expect(made).toBe(201)
}

async function switchTo(tenant: RegExp): Promise<void> {
  await page.getByRole('button', { name: /^Tenant / }).click()
  await page.getByRole('menuitem', { name: tenant }).click()
}

test('somebody switches to a tenant that has nothing yet', async () => {
  await switchTo(new RegExp(name))
  await page.getByRole('heading', { level: 1, name }).waitFor()
})

describe('every empty screen says what to do first', () => {
  test.each([
    ['/', 'Upload a first file'],
    ['/files', 'Drop files above, or press the button there'],
    ['/files?view=trash', 'The trash is empty'],
    ['/files?view=quarantine', 'Nothing was refused'],
    ['/menu', 'Add a first dish'],
    ['/jobs?service=menu', 'Work appears here as soon as somebody gives some'],
    ['/tenant', 'No invitation waits for an answer'],
    ['/tenant?tab=keys', 'Make the first one above'],
    ['/tenant?tab=settings', 'Services read settings of the tenant from here'],
  ])('%s: %s', async (path, words) => {
    await page.goto(`${url}${path}`)
    await page.getByText(words).first().waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })

  test('one that still waits for its answer says so to everybody', async () => {
    const answer = Promise.withResolvers<void>()
    await page.route('**/api/v1/invitations*', async (route) => {
      await answer.promise
      await route.continue()
    })
    await page.goto(`${url}/tenant`)
    const waiting = page.getByRole('status', { name: 'Loading' })
    await waiting.first().waitFor()
    expect(await seriousFindings(page)).toEqual([])
    answer.resolve()
    await page.getByText('No invitation waits for an answer').waitFor()
    expect(await waiting.count()).toBe(0)
    await page.unroute('**/api/v1/invitations*')
  })

  test('the public page of it', async () => {
    await page.goto(`${url}/m/${slug}`)
    await page.getByText('Nothing is on the menu right now').waitFor()
  })
})

test('a file that waits does not land in the tenant that somebody switches to', async () => {
  await page.goto(`${url}/files`)
  const open = Promise.withResolvers<void>()
  await page.route('**/api/v1/files', async (route) => {
    if (route.request().method() === 'POST') await open.promise
    await route.continue()
  })
  const names = [1, 2, 3, 4].map((number) => unique(`${number}.txt`))
  await page
    .getByLabel('Files to upload')
    .setInputFiles(names.map((file) => ({ name: file, mimeType: 'text/plain', buffer: Buffer.from(file) })))
  await page.getByRole('region', { name: 'Uploads' }).getByText('4 of 4 uploads to go').waitFor()
  await switchTo(new RegExp(`(?<!${slug})\\b${usual}`, 'i'))
  await page.getByRole('heading', { level: 1, name: /demo/i }).waitFor()
  open.resolve()
  await page.getByRole('region', { name: 'Uploads' }).getByText('You have switched to another tenant meanwhile').waitFor()
  await page.unroute('**/api/v1/files')
  const headers = { authorization: `Bearer ${stack().apiKey}` }
  const { items } = (await (await fetch(`${url}/api/v1/files?limit=100&sort=createdAt&order=desc`, { headers })).json()) as {
    items: { name: string }[]
  }
  expect(items.filter((item) => names.includes(item.name))).toEqual([])
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(watch.faults).toEqual([])
})
