import { launch, openPage, signIn, stack } from './browser.fixtures.ts'

/**
 * The pictures of docs/console.md, of the stack of the environment: `node services/console/browser/pictures.ts`. They show what the
 * browser tests have left there.
 */
const { url, tenant } = stack()
const folder = new URL('../../../docs/images/', import.meta.url)
await using browser = await launch()
const context = await browser.newContext({ viewport: { width: 1280, height: 860 } })
const { page } = await openPage(context, url)
await page.goto(url)
await signIn(page)

async function picture(name: string, path: string): Promise<void> {
  await page.goto(`${url}${path}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  await page.screenshot({ path: new URL(`console-${name}.png`, folder).pathname })
}

await picture('home', '/')
await picture('files', '/files')
await picture('jobs', '/jobs?service=menu')
await picture('public', `/m/${tenant}`)
await page.goto(`${url}/menu`)
await page
  .getByRole('list', { name: 'Dishes in order' })
  .getByRole('listitem')
  .filter({ hasText: '3D model ready' })
  .getByRole('link')
  .first()
  .click()
await page.locator('model-viewer[data-loaded=true]').waitFor()
await page.screenshot({ path: new URL('console-dish.png', folder).pathname })
await page.getByRole('button', { name: 'Help it' }).click()
await page.getByRole('region', { name: 'Help the model' }).screenshot({ path: new URL('console-help.png', folder).pathname })
