import type { Page } from 'playwright-core'

/** A dish as a camera sees it, drawn by the browser: a white plate on a dark table, seen from the side, with something on it. */
export async function platePhoto(page: Page): Promise<Buffer> {
  const base64 = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(960, 720)
    const draw = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D
    const disc = (colour: string, [x, y]: readonly [number, number], [a, b]: readonly [number, number]) => {
      draw.fillStyle = colour
      draw.beginPath()
      draw.ellipse(x, y, a, b, 0, 0, 2 * Math.PI)
      draw.fill()
    }
    draw.fillStyle = '#3c2f28'
    draw.fillRect(0, 0, 960, 720)
    disc('#2c221d', [486, 386], [372, 262])
    disc('#f4f3ef', [480, 360], [370, 258])
    disc('#e9e7e0', [480, 360], [290, 198])
    disc('#a8401e', [480, 352], [190, 124])
    for (let index = 0; index < 26; index++) {
      const angle = index * 2.4
      const reach = 18 * Math.sqrt(index)
      disc(
        ['#d9642c', '#7e2a12', '#5d7f2a', '#e2b04a'][index % 4] ?? '#000',
        [480 + reach * 1.6 * Math.cos(angle), 352 + reach * Math.sin(angle)],
        [22, 16],
      )
    }
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })
    let text = ''
    for (const byte of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(byte)
    return btoa(text)
  })
  return Buffer.from(base64, 'base64')
}
