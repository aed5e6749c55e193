import { work } from '@slipway/service'
import { menu } from './service.ts'

await work(menu)
