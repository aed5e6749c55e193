import { setTimeout as delay } from 'node:timers/promises'

/** Tries until `attempt` answers true or time is up; says which. For states of other processes that nothing announces. */
export async function eventually(attempt: () => Promise<boolean>, seconds: number): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    if (await attempt()) return true
    if (performance.now() >= deadline) return false
    await delay(pause)
  }
}
