import { describe, expect, test } from 'vitest'
import { stack, unique } from './browser.fixtures.ts'
import { filesScreen } from './files.fixtures.ts'

const { url } = stack()
const at = filesScreen()

describe('an upload', () => {
  /** Lets nothing through until it is told to: a slow line, on which everything else goes on. */
  async function slowLine() {
    const open = Promise.withResolvers<void>()
    await at.page.route('**/api/v1/files', async (route) => {
      if (route.request().method() === 'POST') await open.promise
      await route.continue().catch(() => undefined)
    })
    return async () => {
      open.resolve()
      await at.page.unroute('**/api/v1/files')
    }
  }
  const choose = (name: string) =>
    at.page.getByLabel('Files to upload').setInputFiles([{ name, mimeType: 'text/plain', buffer: Buffer.from(name) }])
  const panel = () => at.page.getByRole('region', { name: 'Uploads' })

  test('goes on when its screen is left, and is found again', async () => {
    const name = unique('left.txt')
    await at.page.goto(`${url}/files`)
    const open = await slowLine()
    await choose(name)
    await at.page.getByRole('link', { name: 'Tenant' }).click()
    await at.page.getByRole('heading', { level: 1, name: /^Tenant/ }).waitFor()
    await panel().getByText('1 of 1 uploads to go').waitFor()
    await open()
    await panel().getByText('All uploads have ended').waitFor()
    await at.page.getByRole('link', { name: 'Files' }).click()
    await at.page.getByRole('row', { name }).waitFor()
  })

  test('that ends before the list has come is in it', async () => {
    const name = unique('early.txt')
    const open = Promise.withResolvers<void>()
    const isList = ({ pathname }: URL) => pathname === '/api/v1/files'
    let lists = 0
    await at.page.route(isList, async (route) => {
      // The server has answered before the upload; the answer is on its way while it takes place.
      const answer = route.request().method() === 'GET' && lists++ === 0 ? await route.fetch() : undefined
      if (answer) await open.promise
      await (answer ? route.fulfill({ response: answer }) : route.continue()).catch(() => undefined)
    })
    await at.page.goto(`${url}/files`)
    await choose(name)
    await panel().getByText('All uploads have ended').waitFor()
    open.resolve()
    await at.page.getByRole('row', { name }).waitFor()
    await at.page.unroute(isList)
  })

  test('is cancelled, and nothing of it is stored', async () => {
    const name = unique('cancelled.txt')
    // A body that cannot have gone out whole by then: what is held up in the browser instead may slip out beside the cancellation.
    const line = await at.page.context().newCDPSession(at.page)
    const speed = (uploadThroughput: number) =>
      line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput })
    await line.send('Network.enable')
    await speed(64 * 1024)
    await at.page
      .getByLabel('Files to upload')
      .setInputFiles([{ name, mimeType: 'text/plain', buffer: Buffer.alloc(8 * 1024 * 1024, name) }])
    const ended = at.page.waitForEvent('requestfailed', (request) => request.method() === 'POST')
    await panel()
      .getByRole('button', { name: `Cancel ${name}` })
      .click()
    await panel().getByText('cancelled', { exact: true }).waitFor()
    await ended
    await speed(-1)
    await line.detach()
    await at.page.reload()
    await at.page.getByRole('table', { name: 'Folders and files' }).waitFor()
    expect(await at.page.getByRole('row', { name }).count()).toBe(0)
  })

  test('that runs makes the browser ask before the page is left', async () => {
    const open = await slowLine()
    await at.page.getByRole('heading', { level: 1 }).click()
    await choose(unique('asked.txt'))
    await panel().getByText('1 of 1 uploads to go').waitFor()
    const asked = at.page.waitForEvent('dialog')
    void at.page.close({ runBeforeUnload: true })
    const dialog = await asked
    expect(dialog.type()).toBe('beforeunload')
    await dialog.dismiss()
    await open()
    await panel().getByText('All uploads have ended').waitFor()
  })
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(at.watch.faults).toEqual([])
})
