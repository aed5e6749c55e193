import type { Page } from 'playwright-core'

/** One page, all of it red: what a viewer shows of it can be told from everything else on the screen. */
export function redPdf(): Buffer {
  const drawing = '1 0 0 rg 0 0 300 300 re f'
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R >>',
    `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`,
  ]
  let text = '%PDF-1.4\n'
  const offsets = objects.map((body, index) => {
    const at = text.length
    text += `${index + 1} 0 obj\n${body}\nendobj\n`
    return at
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const end = `xref\n0 5\n0000000000 65535 f \n${table}trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`
  return Buffer.from(text + end)
}

/** A short film that the browser records of a canvas: half green, half blue. */
export async function webm(page: Page): Promise<Buffer> {
  const base64 = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 })
    const draw = canvas.getContext('2d') as CanvasRenderingContext2D
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: 'video/webm' })
    const recorded = new Promise<Blob>((resolve) => recorder.addEventListener('dataavailable', ({ data }) => resolve(data)))
    recorder.start()
    for (let frame = 0; frame < 20; frame++) {
      draw.fillStyle = frame < 10 ? '#0a0' : '#00a'
      draw.fillRect(0, 0, 160, 120)
      await new Promise(requestAnimationFrame)
    }
    recorder.stop()
    let text = ''
    for (const byte of new Uint8Array(await (await recorded).arrayBuffer())) text += String.fromCharCode(byte)
    return btoa(text)
  })
  return Buffer.from(base64, 'base64')
}

/** The part of a picture that is as red as the PDF, 0 to 1. */
export function redPart(page: Page, png: Buffer): Promise<number> {
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
    const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const canvas = new OffscreenCanvas(picture.width, picture.height)
    const draw = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D
    draw.drawImage(picture, 0, 0)
    const { data } = draw.getImageData(0, 0, picture.width, picture.height)
    let red = 0
    for (let at = 0; at < data.length; at += 4) {
      const [r = 0, g = 0, b = 0] = data.subarray(at, at + 3)
      if (r > 200 && g < 60 && b < 60) red++
    }
    return (red * 4) / data.length
  }, png.toString('base64'))
}
