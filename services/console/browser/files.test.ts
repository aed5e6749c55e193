import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, openPage, seriousFindings, signIn, stack, unique, type Watch } from './browser.fixtures.ts'
import { redPart, redPdf, webm } from './media.fixtures.ts'

const { url } = stack()
let browser: Browser
let page: Page
let watch: Watch

beforeAll(async () => {
  browser = await launch()
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  ;({ page, watch } = await openPage(context, url))
  await page.goto(`${url}/files`)
  await signIn(page)
  await page.getByRole('heading', { name: 'Files', level: 1 }).waitFor()
})

afterAll(async () => {
  await browser.close()
})

async function send(...files: { name: string; content: Buffer }[]): Promise<void> {
  const input = page.getByLabel('Files to upload')
  await input.setInputFiles(files.map(({ name, content }) => ({ name, mimeType: 'application/octet-stream', buffer: content })))
  for (const { name } of files) await page.getByRole('button', { name, exact: true }).waitFor()
}

async function look(name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
}

async function close(): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

describe('previews', () => {
  test('of a PDF show its page', async () => {
    const name = unique('red.pdf')
    await send({ name, content: redPdf() })
    await look(name)
    const frame = page.getByRole('dialog').locator('iframe')
    await frame.waitFor()
    await expect.poll(async () => redPart(page, await frame.screenshot()), { timeout: 20_000 }).toBeGreaterThan(0.1)
    expect(watch.faults).toEqual([])
    await close()
  })

  test('of a video play it', async () => {
    const name = unique('film.webm')
    await send({ name, content: await webm(page) })
    await look(name)
    const video = page.getByRole('dialog').locator('video')
    await video.waitFor()
    const played = await video.evaluate(async (element: HTMLVideoElement) => {
      element.muted = true
      await element.play()
      await new Promise((resolve) => element.addEventListener('ended', resolve, { once: true }))
      return { width: element.videoWidth, height: element.videoHeight, error: element.error }
    })
    expect(played).toEqual({ width: 160, height: 120, error: null })
    expect(await seriousFindings(page)).toEqual([])
    expect(watch.faults).toEqual([])
    await close()
  })
})

describe('versions', () => {
  const name = unique('letter.txt')
  const dialog = () => page.getByRole('dialog', { name: `Versions of ${name}` })
  const row = (revision: number) => dialog().getByRole('row', { name: new RegExp(`^${revision}\\b`) })

  async function open(): Promise<void> {
    await page.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: 'Versions' }).click()
    await dialog().waitFor()
  }

  /** What the page saves as a file. */
  async function saved(button: string): Promise<string> {
    const download = page.waitForEvent('download')
    await dialog().getByRole('button', { name: button }).click()
    return readFileSync(await (await download).path(), 'utf8')
  }

  test('of new content are kept, and can be had', async () => {
    await page.goto(`${url}/files`)
    await send({ name, content: Buffer.from('the first') })
    await open()
    await row(1).getByText('current').waitFor()
    expect(
      await row(1)
        .getByRole('button', { name: /Restore|Delete/ })
        .count(),
    ).toBe(0)
    const input = dialog().locator('input[type=file]')
    await input.setInputFiles({ name: 'whatever.txt', mimeType: 'text/plain', buffer: Buffer.from('the second') })
    await page.getByRole('region', { name: 'Uploads' }).getByText('whatever.txt').waitFor()
    await expect.poll(() => contentOf(name)).toBe('the second')
    await open()
    await row(2).getByText('current').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    expect(await saved(`Download version 1 of ${name}`)).toBe('the first')
    expect(await saved(`Download version 2 of ${name}`)).toBe('the second')
  })

  test('are restored, and deleted after a question', async () => {
    await dialog()
      .getByRole('button', { name: `Restore version 1 of ${name}` })
      .click()
    await page.getByText(`${name} is as in version 1`).waitFor()
    await expect.poll(() => contentOf(name)).toBe('the first')
    const ask = () =>
      dialog()
        .getByRole('button', { name: `Delete version 2 of ${name}` })
        .click()
    const question = page.getByRole('dialog', { name: `Delete version 2 of ${name}?` })
    await ask()
    await question.waitFor()
    await page.keyboard.press('Escape')
    await question.waitFor({ state: 'detached' })
    await row(2).waitFor()
    await ask()
    await question.getByRole('button', { name: 'Delete it' }).click()
    await row(2).waitFor({ state: 'detached' })
    expect(await contentOf(name)).toBe('the first')
    expect(watch.faults).toEqual([])
    await close()
  })

  test('do not swallow what somebody else has changed meanwhile, and do not offer to try in vain', async () => {
    await page.goto(`${url}/files`)
    await page.route(/\/api\/v1\/files\/[^/?]+$/, (route) => (route.request().method() === 'GET' ? undefined : route.continue()))
    await open()
    await dialog().getByText('current').waitFor()
    const other = unique('other.txt')
    await renameBehind(name, other)
    await renameBehind(other, name)
    await dialog()
      .locator('input[type=file]')
      .setInputFiles({ name: 'stale.txt', mimeType: 'text/plain', buffer: Buffer.from('stale') })
    const panel = page.getByRole('region', { name: 'Uploads' })
    await panel.getByRole('alert').getByText('Somebody else has changed it meanwhile').waitFor()
    await panel.getByText('stale.txt').waitFor()
    expect(await panel.getByRole('button', { name: /^Try again/ }).count()).toBe(0)
    expect(await contentOf(name)).toBe('the first')
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  })

  test('go to the trash with their file and come back, each in words', async () => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: 'To the trash' }).click()
    await page.getByText(`${name} is in the trash`).waitFor()
    await page.getByRole('tab', { name: 'Trash' }).click()
    await page.getByRole('button', { name: `Restore ${name}` }).click()
    await page.getByText(`${name} is back`).waitFor()
    await page.goto(`${url}/files`)
    await open()
    await row(3).getByText('current').waitFor()
    await close()
  })
})

describe('many files at once', () => {
  const [one, two, three, folder] = [unique('one.txt'), unique('two.txt'), unique('three.txt'), unique('box')]
  const choose = (name: string) => page.getByRole('checkbox', { name: `Choose ${name}` }).check()
  const chosen = () => page.getByRole('toolbar', { name: 'Chosen files' })
  const told = (title: string, count: number) => page.getByRole('status').getByText(`${title}: all ${count} done`).waitFor()

  test('are moved with one progress, by the keyboard alone', async () => {
    await page.getByRole('button', { name: 'New folder' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill(folder)
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('link', { name: folder }).waitFor()
    await send(...[one, two, three].map((name) => ({ name, content: Buffer.from(name) })))
    for (const name of [one, two, three]) {
      await page.getByRole('checkbox', { name: `Choose ${name}` }).focus()
      await page.keyboard.press('Space')
    }
    await chosen().getByText('3 files chosen').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await chosen().getByRole('button', { name: 'Move' }).focus()
    await page.keyboard.press('Enter')
    await page
      .getByRole('dialog')
      .locator('input:focus')
      .and(page.getByRole('combobox', { name: 'Into' }))
      .waitFor()
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type(folder)
    await page.getByRole('option', { name: folder }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByRole('button', { name: 'Move', exact: true }).focus()
    await page.keyboard.press('Enter')
    await told('Moving files', 3)
    expect(await chosen().count()).toBe(0)
    await page.getByRole('link', { name: folder }).click()
    for (const name of [one, two, three]) await page.getByRole('button', { name, exact: true }).waitFor()
  })

  test('go to the trash and come back', async () => {
    await page.getByRole('checkbox', { name: 'Choose all files' }).check()
    await chosen().getByRole('button', { name: 'To the trash' }).click()
    await told('Moving to the trash', 3)
    await page.getByText('This folder is empty').waitFor()
    await page.getByRole('tab', { name: 'Trash' }).click()
    await choose(one)
    await choose(two)
    await chosen().getByRole('button', { name: 'Restore' }).click()
    await told('Restoring', 2)
    await page.getByRole('rowheader', { name: one }).waitFor({ state: 'detached' })
  })

  test('are deleted for good after a question', async () => {
    await choose(three)
    await chosen().getByRole('button', { name: 'Delete for good' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete 1 file for good?' })
    await dialog.getByRole('button', { name: 'Delete for good' }).click()
    await told('Deleting for good', 1)
    await page.getByRole('rowheader', { name: three }).waitFor({ state: 'detached' })
  })

  test('of which one was changed by somebody else: the rest is done, and that one is named', async () => {
    await page.goto(`${url}/files`)
    await page.getByRole('link', { name: folder }).click()
    await choose(one)
    await choose(two)
    const row = page.getByRole('row', { name: one })
    await row.waitFor()
    await renameBehind(one, unique('renamed.txt'))
    await chosen().getByRole('button', { name: 'To the trash' }).click()
    const panel = page.getByRole('region', { name: 'Moving to the trash' })
    await panel.getByText('1 of 2 failed').waitFor()
    await panel.getByRole('alert').getByText(one).waitFor()
    await panel.getByText('Somebody else has changed it meanwhile').waitFor()
  })
})

/** As another client reads it. */
async function contentOf(name: string): Promise<string> {
  const headers = { authorization: `Bearer ${stack().apiKey}` }
  const { items } = (await (await fetch(`${url}/api/v1/files?limit=100&sort=createdAt&order=desc`, { headers })).json()) as {
    items: { id: string; name: string }[]
  }
  const id = items.find((item) => item.name === name)?.id
  return await (await fetch(`${url}/api/v1/files/${id}/content`, { headers })).text()
}

/** As another client does, which this page does not know of. */
async function renameBehind(name: string, to: string): Promise<void> {
  const headers = { authorization: `Bearer ${stack().apiKey}` }
  const { items } = (await (await fetch(`${url}/api/v1/files?limit=100&sort=createdAt&order=desc`, { headers })).json()) as {
    items: { id: string; name: string; etag: string }[]
  }
  const found = items.find((item) => item.name === name)
  const answer = await fetch(`${url}/api/v1/files/${found?.id}`, {
    method: 'PATCH',
    headers: { ...headers, 'content-type': 'application/json', 'if-match': found?.etag ?? '' },
    body: JSON.stringify({ name: to }),
  })
  expect(answer.status).toBe(200)
}

describe('an upload', () => {
  /** Lets nothing through until it is told to: a slow line, on which everything else goes on. */
  async function slowLine() {
    const open = Promise.withResolvers<void>()
    await page.route('**/api/v1/files', async (route) => {
      if (route.request().method() === 'POST') await open.promise
      await route.continue().catch(() => undefined)
    })
    return async () => {
      open.resolve()
      await page.unroute('**/api/v1/files')
    }
  }
  const choose = (name: string) =>
    page.getByLabel('Files to upload').setInputFiles([{ name, mimeType: 'text/plain', buffer: Buffer.from(name) }])
  const panel = () => page.getByRole('region', { name: 'Uploads' })

  test('goes on when its screen is left, and is found again', async () => {
    const name = unique('left.txt')
    await page.goto(`${url}/files`)
    const open = await slowLine()
    await choose(name)
    await page.getByRole('link', { name: 'Tenant' }).click()
    await page.getByRole('heading', { level: 1, name: /^Tenant/ }).waitFor()
    await panel().getByText('1 of 1 uploads to go').waitFor()
    await open()
    await panel().getByText('All uploads have ended').waitFor()
    await page.getByRole('link', { name: 'Files' }).click()
    await page.getByRole('row', { name }).waitFor()
  })

  test('that ends before the list has come is in it', async () => {
    const name = unique('early.txt')
    const open = Promise.withResolvers<void>()
    const isList = ({ pathname }: URL) => pathname === '/api/v1/files'
    let lists = 0
    await page.route(isList, async (route) => {
      // The server has answered before the upload; the answer is on its way while it takes place.
      const answer = route.request().method() === 'GET' && lists++ === 0 ? await route.fetch() : undefined
      if (answer) await open.promise
      await (answer ? route.fulfill({ response: answer }) : route.continue()).catch(() => undefined)
    })
    await page.goto(`${url}/files`)
    await choose(name)
    await panel().getByText('All uploads have ended').waitFor()
    open.resolve()
    await page.getByRole('row', { name }).waitFor()
    await page.unroute(isList)
  })

  test('is cancelled, and nothing of it is stored', async () => {
    const name = unique('cancelled.txt')
    // A body that cannot have gone out whole by then: what is held up in the browser instead may slip out beside the cancellation.
    const line = await page.context().newCDPSession(page)
    const speed = (uploadThroughput: number) =>
      line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput })
    await line.send('Network.enable')
    await speed(64 * 1024)
    await page.getByLabel('Files to upload').setInputFiles([{ name, mimeType: 'text/plain', buffer: Buffer.alloc(8 * 1024 * 1024, name) }])
    const ended = page.waitForEvent('requestfailed', (request) => request.method() === 'POST')
    await panel()
      .getByRole('button', { name: `Cancel ${name}` })
      .click()
    await panel().getByText('cancelled', { exact: true }).waitFor()
    await ended
    await speed(-1)
    await line.detach()
    await page.reload()
    await page.getByRole('table', { name: 'Folders and files' }).waitFor()
    expect(await page.getByRole('row', { name }).count()).toBe(0)
  })

  test('that runs makes the browser ask before the page is left', async () => {
    const open = await slowLine()
    await page.getByRole('heading', { level: 1 }).click()
    await choose(unique('asked.txt'))
    await panel().getByText('1 of 1 uploads to go').waitFor()
    const asked = page.waitForEvent('dialog')
    void page.close({ runBeforeUnload: true })
    const dialog = await asked
    expect(dialog.type()).toBe('beforeunload')
    await dialog.dismiss()
    await open()
    await panel().getByText('All uploads have ended').waitFor()
  })
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(watch.faults).toEqual([])
})
