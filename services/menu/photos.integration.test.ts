import { eicar, jpegOf, pngOf, zipOf } from '@slipway/testing'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { jobsOf, keysIn, kitchen, type MenuTest, newTenant, platePhoto, startMenu, type Tenant } from './menu.fixtures.ts'

let test: MenuTest
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
beforeAll(async () => {
  test = await startMenu({ environment: { MENU_PHOTO_PIXELS: '2000000', MENU_PHOTO_BYTES: '3000000' } })
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
  ours = kitchen(test, { tenant })
})

const grey = (options: { width?: number; height?: number } = {}) =>
  sharp({ create: { width: 200, height: 200, channels: 3, background: '#888', ...options } })
/** Claims a size that nobody could decode: nothing but the header is there. */
const hugeHeader = () => {
  const png = pngOf({ width: 64, height: 64 })
  png.writeUInt32BE(50_000, 16)
  png.writeUInt32BE(50_000, 20)
  return png
}
const animation = async () => {
  const frames = await Promise.all(['#f00', '#0f0'].map((background) => grey().tint(background).raw().toBuffer()))
  return await sharp(Buffer.concat(frames), { raw: { width: 200, height: 400, channels: 3, pageHeight: 200 } })
    .gif()
    .toBuffer()
}
/** EICAR is found at the beginning of a file only; inside an archive behind a photo it is found anywhere. */
const infected = async () => Buffer.concat([await grey().jpeg().toBuffer(), zipOf([{ name: 'e.com', content: eicar() }])])

const refused: [what: string, photo: () => Promise<Buffer> | Buffer, status: number, code: string][] = [
  ['a text file', () => Buffer.from('This is not a photo.'.repeat(100)), 422, 'photo.unreadable'],
  ['nothing', () => Buffer.alloc(0), 422, 'photo.unreadable'],
  ['half a header', () => jpegOf({ width: 200, height: 200 }).subarray(0, 40), 422, 'photo.unreadable'],
  ['a header of 50 000 × 50 000', hugeHeader, 422, 'photo.too-many-pixels'],
  ['too many pixels', () => grey({ width: 2000, height: 1001 }).png().toBuffer(), 422, 'photo.too-many-pixels'],
  ['an animated GIF', animation, 422, 'photo.unsupported'],
  ['a GIF', () => grey().gif().toBuffer(), 422, 'photo.unsupported'],
  ['a TIFF', () => grey().tiff().toBuffer(), 422, 'photo.unsupported'],
  ['an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>'), 422, 'photo.unsupported'],
  ['one pixel', () => grey({ width: 1, height: 1 }).png().toBuffer(), 422, 'photo.unsupported'],
  ['malware', () => eicar(), 422, 'file.infected'],
  ['malware behind a photo', infected, 422, 'file.infected'],
  [
    'an encrypted archive behind a photo',
    async () => Buffer.concat([await grey().jpeg().toBuffer(), zipOf([{ name: 'x', content: 'x' }], { encrypted: true })]),
    422,
    'file.unscannable',
  ],
  ['more bytes than allowed', () => Buffer.alloc(3_000_001, 1), 413, 'file.too-large'],
]

describe('what is no photo', () => {
  it.each(refused)('%s is refused and leaves nothing', async (...[, photo, status, code]) => {
    const { id } = await ours.dish()
    const answer = await ours.photo(id, await photo())
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([status, code, expect.any(String)])
    if (code.startsWith('photo.')) expect(answer.body.errors).toMatchObject([{ pointer: '/body/photo' }])
    expect(await ours.get(id)).toMatchObject({ photo: null, model: null })
    const keys = [...(await keysIn(test, 'dish-images')), ...(await keysIn(test, 'quarantine'))]
    expect(keys.filter((key) => key.includes(tenant.id))).toEqual([])
    expect((await jobsOf(test, 'model-generation')).filter(({ payload }) => payload.dishId === id)).toEqual([])
  })

  it('is in the audit trail if it was malware', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, await infected())
    const { body } = await test.call({ tenant, role: 'admin' }, '/api/v1/menu/audit?action=photo.refused')
    expect(body.items).toMatchObject([
      { subject: { type: 'dish', id }, actor: { id: 'ada' }, after: { verdict: 'infected', sha256: expect.any(String) } },
    ])
  })

  it('does not take the place of the photo that is there', async () => {
    const { id } = await ours.dish()
    const { body } = await ours.photo(id, await platePhoto())
    expect((await ours.photo(id, Buffer.from('x'))).status).toBe(422)
    expect((await ours.get(id)).model.id).toBe(body.model.id)
  })
})

const unusual: [what: string, photo: () => Promise<Buffer>][] = [
  ['CMYK', () => grey().toColourspace('cmyk').jpeg().toBuffer()],
  ['greyscale', () => grey().greyscale().jpeg().toBuffer()],
  ['16 bits', () => grey().toColourspace('rgb16').png().toBuffer()],
  [
    'transparent',
    () =>
      sharp({ create: { width: 200, height: 200, channels: 4, background: '#0000' } })
        .png()
        .toBuffer(),
  ],
  ['WebP', () => grey().webp().toBuffer()],
  ['AVIF', () => grey().avif({ effort: 0 }).toBuffer()],
  ['without any plate', () => grey().jpeg().toBuffer()],
]

describe('an unusual photo', () => {
  it.each(unusual)('%s becomes a model, which says what it is worth', async (_, photo) => {
    await using _workers = await test.work()
    const { id } = await ours.dish()
    const { status, body } = await ours.photo(id, await photo())
    expect([status, body.code]).toEqual([202, undefined])
    const dish = await test.until(
      () => ours.get(id),
      ({ model }) => model.state === 'done' || model.state === 'failed',
    )
    expect(dish.model).toMatchObject({ state: 'done', error: null, result: { method: 'relief', confident: false } })
    expect(dish.model.result.warnings).not.toEqual([])
    const shown = await sharp((await ours.call(dish.photo.url)).body).metadata()
    expect(shown).toMatchObject({ format: 'jpeg', space: 'srgb', channels: 3, depth: 'uchar', width: 200, height: 200 })
  })
})

describe('an upload', () => {
  it('for a dish that there is not is refused before its bytes are looked at', async () => {
    const answer = await ours.photo('019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b21', eicar())
    expect(answer).toMatchObject({ status: 404, body: { code: 'resource.not-found' } })
  })

  it('with a key that is sent twice is answered twice and made once', async () => {
    const { id } = await ours.dish()
    const photo = await platePhoto()
    const headers = { 'idempotency-key': 'photo-1' }
    const first = await ours.photo(id, photo, headers)
    await ours.model(id, 'cancel')
    const second = await ours.photo(id, photo, headers)
    expect([second.status, second.body, second.headers.get('idempotency-replayed')]).toEqual([202, first.body, 'true'])
    expect((await ours.get(id)).model.state).toBe('cancelled')
  })

  it.each([
    ['another field', (form: FormData, file: Blob) => form.append('file', file, 'photo.jpg')],
    ['two photos', (form: FormData, file: Blob) => [1, 2].forEach(() => form.append('photo', file, 'photo.jpg'))],
    ['no file', (form: FormData) => form.append('photo', 'text')],
  ])('with %s is refused', async (_, fill) => {
    const { id } = await ours.dish()
    const form = new FormData()
    fill(form, new Blob([new Uint8Array(await platePhoto())]))
    const answer = await ours.call(`/api/v1/dishes/${id}/photo`, { method: 'PUT', body: form })
    expect([answer.status, answer.body.code]).toEqual([422, 'request.invalid'])
    expect((await ours.get(id)).model).toBeNull()
  })
})
