import { serve } from '../index.ts'
import { notes } from './service.ts'

/** On SIGUSR2 several things fail that nobody waits for. */
await serve({
  ...notes,
  context: (runtime) => {
    process.on('SIGUSR2', () => {
      for (const reason of ['first', 'second', 'third']) void Promise.reject(new Error(reason))
      setImmediate(() => {
        throw new Error('thrown')
      })
    })
    return notes.context(runtime)
  },
})
