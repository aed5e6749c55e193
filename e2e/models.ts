import { call, expectStatus, here } from './client.ts'
import { kitchen } from './dishes.ts'
import { greyJpeg, platePhoto } from './pictures.ts'

/**
 * So many dishes, each with a photo, until every one of them has its model: exactly the one that its photo was answered with. Says on
 * standard output when the first is being made (`running`), and at the end what became of them. For whoever kills workers meanwhile.
 *
 *     node e2e/models.ts [dishes]
 */
const [count = 12] = process.argv.slice(2).map(Number)
const ours = kitchen(here.apiKey)
const wanted = new Map<string, string>()
for (let number = 0; number < count; number++) {
  const { id } = await ours.add({ name: `Kill ${process.pid} ${number}` })
  const photo = number % 2 === 0 ? platePhoto() : greyJpeg()
  const { model } = await expectStatus<Awaited<ReturnType<typeof ours.get>>>(ours.photo(id, photo), 202)
  if (!model) throw new Error(`the photo of dish ${id} was taken without a model`)
  wanted.set(id, model.id)
}
await Promise.any([...wanted.keys()].map((id) => ours.reaches(id, 'running', 'done')))
process.stdout.write('running\n')

const attempts: number[] = []
for (const [id, model] of wanted) {
  const dish = await ours.reaches(id, 'done', 'failed', 'cancelled')
  if (dish.served !== model || dish.model?.id !== model || dish.model.state !== 'done')
    throw new Error(`dish ${id} should have model ${model}: ${JSON.stringify(dish)}`)
  for (const { url, bytes } of Object.values(dish.model.result?.files ?? {})) {
    const answer = await call('GET', url)
    const { byteLength } = await answer.arrayBuffer()
    if (answer.status !== 200 || byteLength !== bytes) throw new Error(`${url}: ${answer.status}, ${byteLength} instead of ${bytes} bytes`)
  }
  attempts.push(dish.model.attempt)
}
process.stdout.write(`${JSON.stringify({ dishes: [...wanted.keys()], attempts })}\n`)
