import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { launch, openPage, signIn, stack, type Watch } from './browser.fixtures.ts'

const { url } = stack()

/** The screen of files, of somebody who has signed in, for all tests of a file. */
export function filesScreen(): { readonly page: Page; readonly watch: Watch } {
  let browser: Browser
  let opened: { page: Page; watch: Watch }
  beforeAll(async () => {
    browser = await launch()
    opened = await openPage(await browser.newContext({ viewport: { width: 1280, height: 900 } }), url)
    const { page } = opened
    await page.goto(`${url}/files`)
    await signIn(page)
    await page.getByRole('heading', { name: 'Files', level: 1 }).waitFor()
  })
  afterAll(() => browser.close())
  return {
    get page() {
      return opened.page
    },
    get watch() {
      return opened.watch
    },
  }
}

/** Ends when all of them are in the list. */
export async function send(page: Page, ...files: { name: string; content: Buffer }[]): Promise<void> {
  const input = page.getByLabel('Files to upload')
  await input.setInputFiles(files.map(({ name, content }) => ({ name, mimeType: 'application/octet-stream', buffer: content })))
  for (const { name } of files) await page.getByRole('button', { name, exact: true }).waitFor()
}

export async function closeDialog(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

interface Listed {
  readonly id: string
  readonly name: string
  readonly etag: string
}

const headers = { authorization: `Bearer ${stack().apiKey}` }

async function listed(name: string): Promise<Listed | undefined> {
  const answer = await fetch(`${url}/api/v1/files?limit=100&sort=createdAt&order=desc`, { headers })
  const { items } = (await answer.json()) as { items: Listed[] }
  return items.find((item) => item.name === name)
}

/** As another client reads it. */
export async function contentOf(name: string): Promise<string> {
  return await (await fetch(`${url}/api/v1/files/${(await listed(name))?.id}/content`, { headers })).text()
}

/** As another client does, which the page does not know of. */
export async function renameBehind(name: string, to: string): Promise<void> {
  const found = await listed(name)
  const answer = await fetch(`${url}/api/v1/files/${found?.id}`, {
    method: 'PATCH',
    headers: { ...headers, 'content-type': 'application/json', 'if-match': found?.etag ?? '' },
    body: JSON.stringify({ name: to }),
  })
  expect(answer.status).toBe(200)
}
