import { request as ask } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  readonly milliseconds: number
}

export interface Call {
  readonly port: number
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** No answer, or half of one. */
export class CallFailure extends Error {
  readonly isTimeout: boolean

  constructor(message: string, isTimeout: boolean) {
    super(message)
    this.name = 'CallFailure'
    this.isTimeout = isTimeout
  }
}

const patience = 40_000

/**
 * A request on a connection of its own, so that a balancer leads each to the next replica.
 * @throws {CallFailure}
 */
export function call({ port, method, path, headers = {}, body }: Call): Promise<Answer> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const length = body ? { 'content-length': String(body.length) } : {}
    const request = ask({ host: '127.0.0.1', port, method, path, headers: { ...headers, ...length }, agent: false })
    const timer = setTimeout(() => request.destroy(new CallFailure(`no answer after ${patience / 1000} s`, true)), patience)
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(error instanceof CallFailure ? error : new CallFailure(error.message, false))
    }
    request.once('error', fail)
    request.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', fail)
      response.once('end', () => {
        clearTimeout(timer)
        const { statusCode: status = 0, headers: answered } = response
        resolve({ status, headers: answered, body: Buffer.concat(chunks), milliseconds: performance.now() - began })
      })
    })
    request.end(body)
  })
}

export interface ProblemBody {
  readonly code?: string
  readonly detail?: string
  readonly quarantineId?: string
}

/** The answer's JSON, or nothing that has any of the fields. */
export function jsonOf<T extends object>(answer: Answer): Partial<T> {
  try {
    return JSON.parse(answer.body.toString('utf8')) as Partial<T>
  } catch {
    return {}
  }
}
