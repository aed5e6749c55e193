import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { processEnvironment } from '@slipway/config'

export interface Child extends AsyncDisposable {
  readonly pid: number
  /** Throws what the child threw. */
  ask<Answer>(question: object): Promise<Answer>
}

export interface ChildOptions {
  /** Which processor it may use: who asks and who answers each have their own. */
  core?: number
  arguments?: readonly string[]
  environment?: Readonly<Record<string, string>>
}

/** How our processes are started, as far as it changes when V8 collects. */
export const asDeployed: ChildOptions = {
  arguments: ['--max-semi-space-size=4', '--import', import.meta.resolve('@slipway/service/external-memory')],
}

type Message = { readonly answer: unknown } | { readonly error: string }

const taskset = '/usr/bin/taskset'

/** Starts a script that calls `answerParent`. What it writes to its standard output goes nowhere. */
export async function startChild(script: URL, options: ChildOptions = {}): Promise<Child> {
  const { core, arguments: nodeArguments = [], environment = {} } = options
  const isPinned = core !== undefined && core < cpus().length && existsSync(taskset)
  const child = fork(fileURLToPath(script), {
    cwd: import.meta.dirname,
    ...(isPinned
      ? { execPath: taskset, execArgv: ['-c', String(core), process.execPath, ...nodeArguments] }
      : { execArgv: [...nodeArguments] }),
    env: { ...processEnvironment(), ...environment },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const gone = ended.then(([code]) => {
    throw new Error(`${script.pathname.split('/').at(-1)} ended with ${String(code)}`)
  })
  gone.catch(() => undefined)
  const next = async () => {
    const [message] = (await Promise.race([once(child, 'message'), gone])) as [Message]
    if ('error' in message) throw new Error(message.error)
    return message.answer
  }
  await next()
  return {
    pid: child.pid ?? 0,
    async ask<Answer>(question: object) {
      const answer = next()
      child.send(question)
      return (await answer) as Answer
    },
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await ended.catch(() => undefined)
    },
  }
}

/** In the child: answers one question after the other, and ends when the parent lets go of it. */
export function answerParent(answer: (question: never) => Promise<unknown>): void {
  const send = (message: Message) => void process.send?.(message)
  process.on('message', (question) => {
    answer(question as never).then(
      (given) => send({ answer: given }),
      (error: unknown) => send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
  })
  // What is still open here is nobody's any more.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  send({ answer: 'ready' })
}
