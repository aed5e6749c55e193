import { describe, expect, test } from 'vitest'
import { seriousFindings, stack, unique } from './browser.fixtures.ts'
import { closeDialog, filesScreen, renameBehind, send } from './files.fixtures.ts'
import { redPart, redPdf, webm } from './media.fixtures.ts'

const { url } = stack()
const at = filesScreen()

async function look(name: string): Promise<void> {
  await at.page.getByRole('button', { name, exact: true }).click()
}

describe('previews', () => {
  test('of a PDF show its page', async () => {
    const name = unique('red.pdf')
    await send(at.page, { name, content: redPdf() })
    await look(name)
    const frame = at.page.getByRole('dialog').locator('iframe')
    await frame.waitFor()
    await expect.poll(async () => redPart(at.page, await frame.screenshot()), { timeout: 20_000 }).toBeGreaterThan(0.1)
    expect(at.watch.faults).toEqual([])
    await closeDialog(at.page)
  })

  test('of a video play it', async () => {
    const name = unique('film.webm')
    await send(at.page, { name, content: await webm(at.page) })
    await look(name)
    const video = at.page.getByRole('dialog').locator('video')
    await video.waitFor()
    const played = await video.evaluate(async (element: HTMLVideoElement) => {
      element.muted = true
      await element.play()
      await new Promise((resolve) => element.addEventListener('ended', resolve, { once: true }))
      return { width: element.videoWidth, height: element.videoHeight, error: element.error }
    })
    expect(played).toEqual({ width: 160, height: 120, error: null })
    expect(await seriousFindings(at.page)).toEqual([])
    expect(at.watch.faults).toEqual([])
    await closeDialog(at.page)
  })
})

describe('many files at once', () => {
  const [one, two, three, folder] = [unique('one.txt'), unique('two.txt'), unique('three.txt'), unique('box')]
  const choose = (name: string) => at.page.getByRole('checkbox', { name: `Choose ${name}` }).check()
  const chosen = () => at.page.getByRole('toolbar', { name: 'Chosen files' })
  const told = (title: string, count: number) => at.page.getByRole('status').getByText(`${title}: all ${count} done`).waitFor()

  test('are moved with one progress, by the keyboard alone', async () => {
    await at.page.getByRole('button', { name: 'New folder' }).click()
    await at.page.getByRole('dialog').getByLabel('Name').fill(folder)
    await at.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await at.page.getByRole('link', { name: folder }).waitFor()
    await send(at.page, ...[one, two, three].map((name) => ({ name, content: Buffer.from(name) })))
    for (const name of [one, two, three]) {
      await at.page.getByRole('checkbox', { name: `Choose ${name}` }).focus()
      await at.page.keyboard.press('Space')
    }
    await chosen().getByText('3 files chosen').waitFor()
    expect(await seriousFindings(at.page)).toEqual([])
    await chosen().getByRole('button', { name: 'Move' }).focus()
    await at.page.keyboard.press('Enter')
    await at.page
      .getByRole('dialog')
      .locator('input:focus')
      .and(at.page.getByRole('combobox', { name: 'Into' }))
      .waitFor()
    await at.page.keyboard.press('ControlOrMeta+A')
    await at.page.keyboard.type(folder)
    await at.page.getByRole('option', { name: folder }).waitFor()
    await at.page.keyboard.press('ArrowDown')
    await at.page.keyboard.press('Enter')
    await at.page.getByRole('dialog').getByRole('button', { name: 'Move', exact: true }).focus()
    await at.page.keyboard.press('Enter')
    await told('Moving files', 3)
    expect(await chosen().count()).toBe(0)
    await at.page.getByRole('link', { name: folder }).click()
    for (const name of [one, two, three]) await at.page.getByRole('button', { name, exact: true }).waitFor()
  })

  test('go to the trash and come back', async () => {
    await at.page.getByRole('checkbox', { name: 'Choose all files' }).check()
    await chosen().getByRole('button', { name: 'To the trash' }).click()
    await told('Moving to the trash', 3)
    await at.page.getByText('This folder is empty').waitFor()
    await at.page.getByRole('tab', { name: 'Trash' }).click()
    await choose(one)
    await choose(two)
    await chosen().getByRole('button', { name: 'Restore' }).click()
    await told('Restoring', 2)
    await at.page.getByRole('rowheader', { name: one }).waitFor({ state: 'detached' })
  })

  test('are deleted for good after a question', async () => {
    await choose(three)
    await chosen().getByRole('button', { name: 'Delete for good' }).click()
    const dialog = at.page.getByRole('dialog', { name: 'Delete 1 file for good?' })
    await dialog.getByRole('button', { name: 'Delete for good' }).click()
    await told('Deleting for good', 1)
    await at.page.getByRole('rowheader', { name: three }).waitFor({ state: 'detached' })
  })

  test('of which one was changed by somebody else: the rest is done, and that one is named', async () => {
    await at.page.goto(`${url}/files`)
    await at.page.getByRole('link', { name: folder }).click()
    await choose(one)
    await choose(two)
    const row = at.page.getByRole('row', { name: one })
    await row.waitFor()
    await renameBehind(one, unique('renamed.txt'))
    await chosen().getByRole('button', { name: 'To the trash' }).click()
    const panel = at.page.getByRole('region', { name: 'Moving to the trash' })
    await panel.getByText('1 of 2 failed').waitFor()
    await panel.getByRole('alert').getByText(one).waitFor()
    await panel.getByText('Somebody else has changed it meanwhile').waitFor()
  })
})

test('meanwhile nothing broke the policy, asked a foreign host or failed', () => {
  expect(at.watch.faults).toEqual([])
})
