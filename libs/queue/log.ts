type Write = (fields: object, message: string) => void

/** What this library needs of a logger; pino's has this shape. */
export interface QueueLog {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
  child(fields: object): QueueLog
}

/** For callers that do not care, such as command line tools. */
export const silentLog: QueueLog = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => silentLog }

function ignore(): void {}
