/** What a supervisor tells the command that started it. */
export type SupervisorMessage =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string; readonly fix?: string | undefined; readonly exitCode: number }

/** What that command tells the supervisor. */
export type ClientMessage = { readonly kind: 'stop' } | { readonly kind: 'force' }

export function isClientMessage(message: unknown): message is ClientMessage {
  return typeof message === 'object' && message !== null && 'kind' in message && (message.kind === 'stop' || message.kind === 'force')
}
