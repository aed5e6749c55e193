import { mkdirSync, writeFileSync } from 'node:fs'
import { launch, openPage, signIn, stack } from './browser.fixtures.ts'

/**
 * What a first visit costs, on the stack of the environment: bytes of scripts as they come over the wire, and the largest paint.
 * `node services/console/browser/measure.ts`, with the dev.env of a running stack; writes bench/results/console.json.
 */
const { url } = stack()
await using browser = await launch()

async function visit(path: string, signedIn: boolean) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const { page } = await openPage(context, url)
  if (signedIn) {
    await page.goto(url)
    await signIn(page)
  }
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.setCacheDisabled', { cacheDisabled: true })
  const scripts = new Map<string, number>()
  const urls = new Map<string, string>()
  session.on('Network.responseReceived', ({ requestId, response }) => urls.set(requestId, response.url))
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const name = urls.get(requestId) ?? ''
    if (name.endsWith('.js')) scripts.set(name, encodedDataLength)
  })
  await page.goto(`${url}${path}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  const largestPaint = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => resolve(list.getEntries().at(-1)?.startTime ?? 0)).observe({
          type: 'largest-contentful-paint',
          buffered: true,
        })
      }),
  )
  await context.close()
  const scriptBytes = [...scripts.values()].reduce((sum, bytes) => sum + bytes, 0)
  return { path, signedIn, scriptBytes, scripts: scripts.size, largestPaintMilliseconds: Math.round(largestPaint) }
}

const visits = [
  await visit('/', false),
  await visit('/', true),
  await visit('/files', true),
  await visit('/menu', true),
  await visit('/jobs', true),
  await visit('/tenant', true),
]
const folder = new URL('../../../bench/results/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('console.json', folder), `${JSON.stringify({ at: new Date().toISOString(), visits }, null, 2)}\n`)
process.stdout.write(`${JSON.stringify(visits, null, 2)}\n`)
