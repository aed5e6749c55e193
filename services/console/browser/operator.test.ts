import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, openPage, seriousFindings, signIn, stack, type Watch } from './browser.fixtures.ts'

/** The person has to be an operator: `slipway operator add <email>`, which `slipway test browser` does. */
const { url } = stack()
let browser: Browser
let page: Page
let watch: Watch

beforeAll(async () => {
  browser = await launch()
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  ;({ page, watch } = await openPage(context, url))
  await page.goto(url)
  await signIn(page)
})

afterAll(async () => {
  await browser.close()
})

async function widthOf(): Promise<number> {
  return await page.evaluate(() => document.documentElement.scrollWidth)
}

test('an operator sees the platform instead of a tenant, with what is wrong in detail', async () => {
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('menuitem', { name: 'Act as operator' }).click()
  await page.getByRole('heading', { level: 1, name: 'Platform' }).waitFor()
  expect(await page.getByRole('navigation', { name: 'Screens' }).getByRole('link').allInnerTexts()).toEqual(['Home', 'Jobs'])
  await page.getByText('clamd has test signatures only: nothing but the EICAR test file is found').first().waitFor()
  expect(await seriousFindings(page)).toEqual([])
})

test('an operator sees the jobs of all tenants, each with its tenant', async () => {
  await page.getByRole('link', { name: 'Jobs' }).click()
  await page.getByText('Identity', { exact: true }).click()
  await page
    .getByRole('table', { name: 'Jobs', exact: true })
    .getByText(/tenant (none|[0-9a-f-]{36})/)
    .first()
    .waitFor()
  expect(await seriousFindings(page)).toEqual([])
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await widthOf()).toBeLessThanOrEqual(390)
  await page.setViewportSize({ width: 1280, height: 900 })
})

test('an operator goes back to a tenant', async () => {
  await page.getByRole('button', { name: /^Tenant / }).click()
  await page.getByRole('menuitem', { name: /owner/ }).first().click()
  await page.getByRole('link', { name: 'Files' }).waitFor()
  await expect.poll(() => page.getByRole('heading', { level: 1, name: 'Platform' }).count()).toBe(0)
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(watch.faults).toEqual([])
})
