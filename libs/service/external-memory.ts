import { setFlagsFromString } from 'node:v8'
import { countsAllocated } from './v8-version.ts'

// Importing this makes V8 start a major collection by what buffers hold, as it does with objects, and not by what was allocated in them since
// the last one: bytes that pass would cost a look through the whole heap for every few dozen MiB, at the end of which nothing of it is
// garbage but the buffers. For buffers that die young to be freed in time, a process also needs a small new space: `--max-semi-space-size=4`.
if (countsAllocated(process.versions.v8)) setFlagsFromString('--external-memory-accounted-in-global-limit')
