import type { OutlineProvider } from './gemini.ts'
import type { ModelPool } from './pool.ts'

type Maker = Pick<ModelPool, 'make' | 'normalise'>

/** Asks a provider for the plate before the model is made, unless a person has already helped; without an answer it goes on with a warning. */
export function hintedBy(provider: OutlineProvider, pool: Maker): Maker {
  return {
    normalise: (source, limits, options) => pool.normalise(source, limits, options),
    async make(request, options) {
      if (request.help !== null) return await pool.make(request, options)
      const { hint, warnings } = await ask(provider, request.photo, options.signal)
      const made = await pool.make({ ...request, hint }, options)
      return { ...made, warnings: [...made.warnings, ...warnings] }
    },
  }
}

async function ask(provider: OutlineProvider, photo: Uint8Array, signal: AbortSignal) {
  try {
    return { hint: await provider.find(photo, signal), warnings: [] }
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message.slice(0, 200) : 'no answer'
    return { hint: null, warnings: [`the provider of outlines gave no answer, the local method went on without: ${reason}`] }
  }
}
