/** One running piece of the stack. Disposing of it is the same as stopping it. */
export interface Part extends AsyncDisposable {
  readonly name: string
  readonly pid: number
  /** Ends the part in order and waits until it is gone. May be called more than once. */
  stop(): Promise<void>
  /** Settles when the part is gone, for whatever reason: its exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>
}

/** Where a part tells of what it did beyond the ordinary, such as recovering from a crash. */
export type StackLog = (message: string) => void

export interface PartOptions {
  /** Folder that keeps data, logs, secrets and pid files of this stack; made when absent. */
  home: string
  /** Port on 127.0.0.1; a free one without it. */
  port?: number | undefined
  log?: StackLog | undefined
}
