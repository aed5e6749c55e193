import { work } from '../index.ts'
import { notes } from './service.ts'

await work(notes)
