import { serve } from '@slipway/service'
import { files } from './service.ts'

await serve(files)
