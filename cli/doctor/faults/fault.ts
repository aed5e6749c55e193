export interface Fault {
  /** A `warn` does not fail the command. */
  readonly level: 'warn' | 'fail'
  readonly title: string
  /** What comes of it. */
  readonly why: string
  /** An instruction. A name in braces is filled in by the way in which the installation is configured. */
  readonly fix: string
}
