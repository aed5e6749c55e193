import { createLog } from '@slipway/telemetry'

export const silentLog = createLog({ name: 'test', level: 'silent' })
