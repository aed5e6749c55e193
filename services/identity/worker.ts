import { work } from '@slipway/service'
import { identity } from './service.ts'

await work(identity)
