import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'

// Lets 1 GiB of buffers pass beside a heap that stays, and writes how many major collections that took.
const kept = Array.from({ length: 200_000 }, (_, index) => ({ index }))
let count = 0
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (Reflect.get(entry, 'detail').kind === constants.NODE_PERFORMANCE_GC_MAJOR) count++
})
observer.observe({ entryTypes: ['gc'] })
for (let chunk = 0; chunk < 16_384; chunk++) {
  Buffer.allocUnsafeSlow(65_536)
  if (chunk % 64 === 0) await turn()
}
await turn()
process.stdout.write(String(kept.length > 0 ? count : 0))
