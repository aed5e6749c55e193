import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, openPage, seriousFindings, signIn, stack, type Watch } from './browser.fixtures.ts'
import { platePhoto } from './photo.fixtures.ts'

const { url, tenant } = stack()
const name = `Goulash ${Date.now().toString(36)}`
let browser: Browser
let context: BrowserContext
let page: Page
let watch: Watch

beforeAll(async () => {
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  ;({ page, watch } = await openPage(context, url))
  await page.goto(`${url}/menu`)
  await signIn(page)
})

afterAll(async () => {
  await browser.close()
})

describe('a dish', () => {
  test('is made, gets a photo, and its model is followed step by step until it can be turned', async () => {
    await page.getByRole('button', { name: 'New dish' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByLabel('Price in EUR').fill('12,50')
    await dialog.getByRole('button', { name: 'Add the dish' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.getByLabel('Photo of the dish').setInputFiles({ name: 'dish.jpg', mimeType: 'image/jpeg', buffer: await platePhoto(page) })
    await page.getByText(/Waits for a free worker|Makes the model/).waitFor()
    await page.getByText('The model is ready').waitFor()
    await page.getByText(/Made from the rim of the plate, confidence \d+ %/).waitFor()
    await page.locator('model-viewer[data-loaded=true]').waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })

  test('is turned by the keyboard', async () => {
    const viewer = page.locator('model-viewer')
    const orbit = () => viewer.evaluate((element) => (element as unknown as { getCameraOrbit(): { theta: number } }).getCameraOrbit().theta)
    const before = await orbit()
    await page.locator('model-viewer .userInput').focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await expect.poll(orbit, { timeout: 30_000 }).not.toBe(before)
  })

  test('is helped with a crop, which makes its model again', async () => {
    await page.getByRole('button', { name: 'Help it' }).click()
    await page.getByText('A part of the photo').click()
    await page.getByLabel('Left %').fill('5')
    await page.getByLabel('Width %').fill('90')
    await page.getByRole('button', { name: 'Make it from this part' }).click()
    await page.getByText(/Waits for a free worker|Makes the model/).waitFor()
    await page.getByText(/The model is ready|the model may be wrong/).waitFor()
  })

  test('is helped with the rim of its plate, by the pointer and by the keyboard', async () => {
    await page.getByRole('button', { name: 'Help it' }).click()
    await page.getByText('The rim of the plate', { exact: true }).click()
    const number = async (label: string) => Number(await page.getByLabel(label).inputValue())
    await page.setViewportSize({ width: 390, height: 844 })
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor()
      expect(await seriousFindings(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    }
    await page.setViewportSize({ width: 1280, height: 900 })

    const handle = page.getByRole('button', { name: 'Second axis' })
    await handle.scrollIntoViewIfNeeded()
    const { x = 0, y = 0, width = 0, height = 0 } = (await handle.boundingBox()) ?? {}
    const before = await number('Second half axis %')
    await page.mouse.move(x + width / 2, y + height / 2)
    await page.mouse.down()
    await page.mouse.move(x + width / 2, y + height / 2 - 40, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => number('Second half axis %')).toBeLessThan(before - 3)

    await page.getByLabel('Second half axis %').fill('26.8')
    await page.getByLabel('First half axis %').fill('38.5')
    await page.getByLabel('Centre from the top %').fill('50')
    await page.getByLabel('Centre from the left %').fill('49')
    await page.getByLabel('Turned by °').fill('0')
    await page.getByRole('button', { name: 'Centre of the plate' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => number('Centre from the left %')).toBe(50)
    await page.keyboard.press('Shift+ArrowUp')
    await page.keyboard.press('Shift+ArrowDown')
    await page.getByRole('button', { name: 'Rotation' }).focus()
    await page.keyboard.press('ArrowUp')
    await expect.poll(() => number('Turned by °')).toBe(1)
    await page.keyboard.press('ArrowDown')

    const sent = page.waitForRequest((request) => request.method() === 'PATCH' && request.url().endsWith('/model'))
    await page.getByRole('button', { name: 'Make it from this rim' }).click()
    expect((await sent).postDataJSON()).toEqual({
      plate: {
        x: expect.closeTo(0.5, 2),
        y: expect.closeTo(0.375, 2),
        a: expect.closeTo(0.385, 3),
        b: expect.closeTo(0.268, 3),
        angle: expect.closeTo(0, 3),
      },
    })
    await page.getByText(/Waits for a free worker|Makes the model/).waitFor()
    await page.getByText(/Made from the rim of the plate, confidence \d+ %/).waitFor()
  })

  test('a photo that is sent is found again when its screen was left', async () => {
    const address = page.url()
    // At 0 % it has no width, and counts as hidden.
    const photoOnItsWay = page.getByRole('progressbar', { name: 'Progress of the photo' })
    const open = Promise.withResolvers<void>()
    await page.route('**/photo', async (route) => {
      if (route.request().method() === 'PUT') await open.promise
      await route.continue()
    })
    await page.getByLabel('Photo of the dish').setInputFiles({ name: 'again.jpg', mimeType: 'image/jpeg', buffer: await platePhoto(page) })
    await photoOnItsWay.waitFor({ state: 'attached' })
    await page.getByRole('link', { name: 'Menu' }).click()
    await page
      .getByRole('region', { name: 'Uploads' })
      .getByText(/^1 of \d+ uploads to go/)
      .waitFor()
    await page.getByRole('link', { name, exact: true }).click()
    await page.waitForURL(address)
    await photoOnItsWay.waitFor({ state: 'attached' })
    open.resolve()
    await photoOnItsWay.waitFor({ state: 'detached' })
    await page.unroute('**/photo')
    await page.getByText(/The model is ready|the model may be wrong/).waitFor()
  })

  test('a file that is no photo is refused in words', async () => {
    await page
      .getByLabel('Photo of the dish')
      .setInputFiles({ name: 'dish.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('not a photo') })
    await page
      .getByRole('alert')
      .getByText(/cannot be read|is not a photo|is none/i)
      .first()
      .waitFor()
  })

  test('is moved up by a button, and the order stays', async () => {
    await page.goto(`${url}/menu`)
    await page.getByRole('button', { name: 'New dish' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill(`${name} second`)
    await page.getByRole('dialog').getByLabel('Price in EUR').fill('3')
    await page.getByRole('dialog').getByRole('button', { name: 'Add the dish' }).click()
    await page.getByRole('heading', { name: `${name} second`, level: 1 }).waitFor()
    await page.goto(`${url}/menu`)
    await page.getByRole('button', { name: `Move ${name} second up` }).click()
    const order = async () =>
      (await page.getByRole('list', { name: 'Dishes in order' }).getByRole('link').allInnerTexts()).filter((text) => text.startsWith(name))
    await expect.poll(order, { timeout: 10_000 }).toEqual([`${name} second`, name])
    await page.reload()
    await expect.poll(order, { timeout: 10_000 }).toEqual([`${name} second`, name])
    expect(await seriousFindings(page)).toEqual([])
  })
})

describe('the public page', () => {
  test('shows the poster to anybody, and the model when asked', async () => {
    const guests = await browser.newContext({ viewport: { width: 390, height: 844 } })
    const { page: guest, watch: seen } = await openPage(guests, url)
    await guest.goto(`${url}/m/${tenant}`)
    await guest.getByRole('heading', { name, exact: true }).waitFor()
    expect(await guest.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    expect(await guest.locator('model-viewer').count()).toBe(0)
    expect(await seriousFindings(guest)).toEqual([])
    await guest.getByRole('button', { name: `See it in 3D: ${name}` }).click()
    await guest.locator('model-viewer[data-loaded=true]').waitFor()
    expect(await seriousFindings(guest)).toEqual([])
    expect(seen.faults).toEqual([])
    await guests.close()
  })

  test('of nobody is told in words', async () => {
    await page.goto(`${url}/m/no-such-tenant`)
    await page.getByText('There is no such menu').waitFor()
  })
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(watch.faults).toEqual([])
})
