import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, seriousFindings, stack, unique, type Watch } from './browser.fixtures.ts'
import { closeDialog, contentOf, openFiles, renameBehind, send } from './files.fixtures.ts'

const { url } = stack()
let browser: Browser
let page: Page
let watch: Watch

beforeAll(async () => {
  browser = await launch()
  ;({ page, watch } = await openFiles(browser))
})

afterAll(async () => {
  await browser.close()
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
    await send(page, { name, content: Buffer.from('the first') })
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
    await closeDialog(page)
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
    await closeDialog(page)
  })
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(watch.faults).toEqual([])
})
