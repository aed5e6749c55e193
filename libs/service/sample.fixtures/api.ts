import { serve } from '../index.ts'
import { notes } from './service.ts'

await serve(notes)
