import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { seriousFindings, stack, unique } from './browser.fixtures.ts'
import { closeDialog, contentOf, filesScreen, renameBehind, send } from './files.fixtures.ts'

const { url } = stack()
const at = filesScreen()

describe('versions', () => {
  const name = unique('letter.txt')
  const dialog = () => at.page.getByRole('dialog', { name: `Versions of ${name}` })
  const row = (revision: number) => dialog().getByRole('row', { name: new RegExp(`^${revision}\\b`) })

  async function open(): Promise<void> {
    await at.page.getByRole('button', { name: `Actions for ${name}` }).click()
    await at.page.getByRole('menuitem', { name: 'Versions' }).click()
    await dialog().waitFor()
  }

  /** What the page saves as a file. */
  async function saved(button: string): Promise<string> {
    const download = at.page.waitForEvent('download')
    await dialog().getByRole('button', { name: button }).click()
    return readFileSync(await (await download).path(), 'utf8')
  }

  test('of new content are kept, and can be had', async () => {
    await at.page.goto(`${url}/files`)
    await send(at.page, { name, content: Buffer.from('the first') })
    await open()
    await row(1).getByText('current').waitFor()
    expect(
      await row(1)
        .getByRole('button', { name: /Restore|Delete/ })
        .count(),
    ).toBe(0)
    const input = dialog().locator('input[type=file]')
    await input.setInputFiles({ name: 'whatever.txt', mimeType: 'text/plain', buffer: Buffer.from('the second') })
    await at.page.getByRole('region', { name: 'Uploads' }).getByText('whatever.txt').waitFor()
    await expect.poll(() => contentOf(name)).toBe('the second')
    await open()
    await row(2).getByText('current').waitFor()
    expect(await seriousFindings(at.page)).toEqual([])
    expect(await saved(`Download version 1 of ${name}`)).toBe('the first')
    expect(await saved(`Download version 2 of ${name}`)).toBe('the second')
  })

  test('are restored, and deleted after a question', async () => {
    await dialog()
      .getByRole('button', { name: `Restore version 1 of ${name}` })
      .click()
    await at.page.getByText(`${name} is as in version 1`).waitFor()
    await expect.poll(() => contentOf(name)).toBe('the first')
    const ask = () =>
      dialog()
        .getByRole('button', { name: `Delete version 2 of ${name}` })
        .click()
    const question = at.page.getByRole('dialog', { name: `Delete version 2 of ${name}?` })
    await ask()
    await question.waitFor()
    await at.page.keyboard.press('Escape')
    await question.waitFor({ state: 'detached' })
    await row(2).waitFor()
    await ask()
    await question.getByRole('button', { name: 'Delete it' }).click()
    await row(2).waitFor({ state: 'detached' })
    expect(await contentOf(name)).toBe('the first')
    expect(at.watch.faults).toEqual([])
    await closeDialog(at.page)
  })

  test('do not swallow what somebody else has changed meanwhile, and do not offer to try in vain', async () => {
    await at.page.goto(`${url}/files`)
    await at.page.route(/\/api\/v1\/files\/[^/?]+$/, (route) => (route.request().method() === 'GET' ? undefined : route.continue()))
    await open()
    await dialog().getByText('current').waitFor()
    const other = unique('other.txt')
    await renameBehind(name, other)
    await renameBehind(other, name)
    await dialog()
      .locator('input[type=file]')
      .setInputFiles({ name: 'stale.txt', mimeType: 'text/plain', buffer: Buffer.from('stale') })
    const panel = at.page.getByRole('region', { name: 'Uploads' })
    await panel.getByRole('alert').getByText('Somebody else has changed it meanwhile').waitFor()
    await panel.getByText('stale.txt').waitFor()
    expect(await panel.getByRole('button', { name: /^Try again/ }).count()).toBe(0)
    expect(await contentOf(name)).toBe('the first')
    await at.page.unrouteAll({ behavior: 'ignoreErrors' })
  })

  test('go to the trash with their file and come back, each in words', async () => {
    await at.page.getByRole('button', { name: `Actions for ${name}` }).click()
    await at.page.getByRole('menuitem', { name: 'To the trash' }).click()
    await at.page.getByText(`${name} is in the trash`).waitFor()
    await at.page.getByRole('tab', { name: 'Trash' }).click()
    await at.page.getByRole('button', { name: `Restore ${name}` }).click()
    await at.page.getByText(`${name} is back`).waitFor()
    await at.page.goto(`${url}/files`)
    await open()
    await row(3).getByText('current').waitFor()
    await closeDialog(at.page)
  })
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(at.watch.faults).toEqual([])
})
