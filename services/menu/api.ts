import { serve } from '@slipway/service'
import { menu } from './service.ts'

await serve(menu)
