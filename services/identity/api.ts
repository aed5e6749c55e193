import { serve } from '@slipway/service'
import { identity } from './service.ts'

await serve(identity)
