/** Something that the person who backs up or restores must know or put right. What it was about is as it was before. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly fix: string | undefined

  constructor(message: string, { fix, cause }: { fix?: string; cause?: unknown } = {}) {
    super(message, { cause })
    this.fix = fix
  }
}
