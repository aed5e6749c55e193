import { type Bindings, type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import { redact } from './redact.ts'

export type Log = Logger

export interface LogSettings {
  /** The process or library that speaks; `component` in the lines. */
  name: string
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent' | undefined
  /** Tells replicas apart. */
  instance?: string | null | undefined
  /** Standard output unless given. */
  destination?: DestinationStream | undefined
}

/**
 * JSON lines on standard output. What stands under a sensitive key never gets there, whatever its depth. Within a span the lines have
 * `trace_id` and `span_id`: the preloaded instrumentation of pino adds them.
 */
export function createLog({ name, level = 'info', instance, destination }: LogSettings): Log {
  const options: LoggerOptions = {
    level,
    base: { component: name, ...(instance ? { instance } : {}) },
    timestamp: isoClock(),
    formatters: {
      level: (label) => ({ level: label }),
      bindings: redactRecord,
      log: redactRecord,
    },
    // Errors arrive as plain objects already; the standard serializer would not recognise them.
    serializers: { err: (error: unknown) => redact(error) },
  }
  return redactChildren(destination ? pino(options, destination) : pino(options))
}

/** As `stdTimeFunctions.isoTime`, but a date is worked out once a second instead of once a line. */
function isoClock(): () => string {
  let second = Number.NaN
  let text = ''
  return () => {
    const now = Date.now()
    const current = Math.floor(now / 1000)
    if (current !== second) {
      second = current
      text = new Date(current * 1000).toISOString().slice(0, -'000Z'.length)
    }
    return `,"time":"${text}${String(now - current * 1000).padStart(3, '0')}Z"`
  }
}

/** pino formats the bindings of children past `formatters`. Children inherit the replaced method, and so do theirs. */
function redactChildren(log: Log): Log {
  // oxlint-disable-next-line typescript/unbound-method -- called with the logger that the call below was made on
  const plain: (this: Log, bindings: Bindings, options?: object) => Log = log.child
  const child = function (this: Log, bindings: Bindings, options?: object): Log {
    return plain.call(this, redactRecord(bindings), options)
  }
  return Object.assign(log, { child })
}

function redactRecord(record: Record<string, unknown>): Record<string, unknown> {
  return redact(record) as Record<string, unknown>
}
