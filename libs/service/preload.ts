// `node --import @slipway/service/preload services/files/api.ts`: what has to be there before the first module of a process is loaded.
import './external-memory.ts'
import '@slipway/db/quick-imports'
import '@slipway/telemetry/register'
