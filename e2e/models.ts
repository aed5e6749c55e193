import { call, expectStatus, here } from './client.ts'
import { kitchen } from './dishes.ts'
import { platePhoto } from './pictures.ts'

/**
 * So many dishes, each with a photo, until every one of them has its model: exactly the one that its photo was answered with. Says on
 * standard output when it begins with the photos, and at the end what became of them. For whoever kills workers meanwhile.
 *
 *     node e2e/models.ts [dishes]
 */
const [count = 60] = process.argv.slice(2).map(Number)
const ours = kitchen(here.apiKey)
const dishes: string[] = []
for (let number = 0; number < count; number++) dishes.push((await ours.add({ name: `Kill ${process.pid} ${number}` })).id)
process.stdout.write('begun\n')

const wanted = new Map<string, string>()

for (const id of dishes) {
  const { model } = await expectStatus<Awaited<ReturnType<typeof ours.get>>>(ours.photo(id, platePhoto({ width: 1024, height: 768 })), 202)
  if (!model) throw new Error(`the photo of dish ${id} was taken without a model`)
  wanted.set(id, model.id)
}

for (const [id, model] of wanted) {
  const dish = await ours.reaches(id, 'done', 'failed', 'cancelled')
  if (dish.served !== model || dish.model?.id !== model || dish.model.state !== 'done')
    throw new Error(`dish ${id} should have model ${model}: ${JSON.stringify(dish)}`)
  for (const { url, bytes } of Object.values(dish.model.result?.files ?? {})) {
    const answer = await call('GET', url)
    const { byteLength } = await answer.arrayBuffer()
    if (answer.status !== 200 || byteLength !== bytes) throw new Error(`${url}: ${answer.status}, ${byteLength} instead of ${bytes} bytes`)
  }
}
process.stdout.write(`${dishes.length} dishes, one model each\n`)
