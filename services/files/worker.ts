import { work } from '@slipway/service'
import { files } from './service.ts'

await work(files)
