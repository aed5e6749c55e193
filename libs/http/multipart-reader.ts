import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import { type Problem, problem } from '@slipway/problem'
import { BodySource, ClientGone, hasBody, type Pace } from './body-source.ts'
import type { Exchange } from './exchange.ts'
import { requireIdentity } from './json-body.ts'
import type { Multipart, Parts, UploadedFile } from './multipart.ts'
import { type Check, invalid, pointerTo } from './validate.ts'

export interface UploadOptions {
  contract: Multipart
  checkFields: Check
  pace: Pace
  /** Take the sha256 of the file on its way through. */
  digest: boolean
}

/** An upload on its way in. Dispose it when its answer is decided: it stops reading from the connection, but leaves that open. */
export interface Upload extends Parts, Disposable {
  /** The fields as they were sent. */
  readonly rawFields: Readonly<Record<string, string>>
  /** Digest of the file; null until all of the body was received. */
  sha256: () => string | null
}

/**
 * Reads up to the file and validates the fields before it. The rest is pulled from the connection only as fast as the file's stream is
 * read; nothing is buffered beyond one chunk.
 * @throws request.malformed, request.invalid, request.unsupported-media-type, request.timeout, ClientGone
 */
export async function openUpload(exchange: Exchange, options: UploadOptions): Promise<Upload> {
  requireMultipart(exchange)
  const reader = new MultipartReader(exchange, options)
  try {
    return await reader.open()
  } catch (error) {
    reader[Symbol.dispose]()
    throw error
  }
}

function requireMultipart({ request }: Exchange): void {
  const type = request.headers['content-type'] ?? ''
  if (!hasBody(request)) throw malformed('/body', 'is missing: send multipart/form-data')
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) {
    throw problem('request.unsupported-media-type', {
      detail: `the body must be multipart/form-data, not ${type.slice(0, 100) || 'without a type'}`,
      errors: [{ pointer: '/headers/content-type', detail: 'must be multipart/form-data' }],
      headers: { accept: 'multipart/form-data' },
    })
  }
  requireIdentity(request.headers['content-encoding'])
}

/** Bytes for boundaries and for chunks that hold the last of the file. */
const slack = 256 * 1024

class MultipartReader implements Disposable {
  readonly #options: UploadOptions
  readonly #source: BodySource
  readonly #parser: BusboyInstance
  readonly #fields = new Map<string, string>()
  readonly #opened = Promise.withResolvers<Upload>()
  /** Ends the wait for the parser when reading has to stop, whatever that is waiting for. */
  #stop: () => void = () => undefined
  readonly #hash: Hash | null
  #file: Readable | null = null
  #digest: string | null = null
  #over = false
  /** Bytes that came while no file was on its way. */
  #around = 0
  #fileEnded = false

  constructor(exchange: Exchange, options: UploadOptions) {
    this.#options = options
    this.#hash = options.digest ? createHash('sha256') : null
    this.#parser = this.#parserFor(exchange)
    this.#source = new BodySource(exchange, options.pace)
    // Whoever opens hears of a failure before the file; afterwards the file's stream tells it.
    this.#opened.promise.catch(() => undefined)
  }

  open(): Promise<Upload> {
    void this.#pump()
    return this.#opened.promise
  }

  [Symbol.dispose](): void {
    this.#over = true
    this.#stop()
    this.#source[Symbol.dispose]()
    this.#file?.destroy()
    this.#parser.removeAllListeners().on('error', () => undefined)
  }

  async #pump(): Promise<void> {
    try {
      for (let chunk = await this.#source.read(); chunk !== null && !this.#over; chunk = await this.#source.read()) {
        await this.#write(chunk)
        this.#limitAround(chunk)
      }
      if (!this.#over) this.#parser.end()
    } catch (error) {
      this.#fail(error)
    }
  }

  #write(chunk: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#stop = resolve
      this.#parser.write(chunk, () => resolve())
    })
  }

  /** What lies before the first part and behind the last is nobody's field, so no other limit counts it. */
  #limitAround({ length }: Buffer): void {
    if (this.#file !== null && !this.#fileEnded) return
    const { fields, fieldBytes, headerBytes } = this.#options.contract.limits
    this.#around += length
    if (this.#around > fields * (fieldBytes + headerBytes) + slack) this.#fail(malformed('/body', 'has too much around its parts'))
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#stop()
    this.#opened.reject(error)
    this.#file?.destroy(error as Error)
  }

  #finish(): void {
    if (this.#over) return
    if (this.#file === null) return this.#fail(this.#noFile())
    this.#over = true
    this.#digest = this.#hash?.digest('hex') ?? null
    this.#file.push(null)
  }

  #noFile(): Problem {
    return invalid('body', [{ pointer: pointerTo('/body', [this.#options.contract.file]), detail: 'is missing: send a file' }])
  }

  #parserFor(exchange: Exchange): BusboyInstance {
    const { file, limits } = this.#options.contract
    const parser = createParser(exchange, {
      isPartAFile: (name, _type, fileName) => name === file || fileName !== undefined,
      preservePath: true,
      limits: {
        fields: limits.fields,
        fieldSize: limits.fieldBytes,
        files: 2,
        parts: limits.fields + 2,
        headerPairs: 16,
        headerSize: limits.headerBytes,
      },
    })
    parser.on('field', (...[name, value, , valueCut]) => this.#onField(name, value, valueCut))
    parser.on('file', (...[name, stream, fileName, , type]) => this.#onFile(name, stream, { fileName, type }))
    parser.on('fieldsLimit', () => this.#fail(invalid('body', [{ pointer: '/body', detail: `has more than ${limits.fields} fields` }])))
    parser.on('partsLimit', () => this.#fail(invalid('body', [{ pointer: '/body', detail: 'has too many parts' }])))
    parser.on('error', () => this.#fail(malformed('/body', 'is not complete multipart/form-data')))
    parser.on('finish', () => this.#finish())
    return parser
  }

  #onField(name: unknown, value: string, cut: boolean): void {
    const fault = this.#fieldFault(name, value, cut)
    if (fault) return this.#fail(fault)
    this.#fields.set(String(name), value)
  }

  #fieldFault(name: unknown, value: string, cut: boolean): Problem | null {
    const { fields, limits } = this.#options.contract
    if (typeof name !== 'string' || name === '') return malformed('/body', 'has a part without a name')
    const pointer = pointerTo('/body', [name])
    if (!Object.hasOwn(fields.shape, name)) return invalid('body', [{ pointer, detail: 'is not known here' }])
    if (this.#file !== null) return invalid('body', [{ pointer, detail: 'must come before the file' }])
    if (this.#fields.has(name)) return invalid('body', [{ pointer, detail: 'is given more than once' }])
    if (cut) return invalid('body', [{ pointer, detail: `is longer than ${limits.fieldBytes} bytes` }])
    return value.includes('\0') ? invalid('body', [{ pointer, detail: 'must not contain NUL' }]) : null
  }

  #onFile(name: unknown, source: BusboyFileStream, { fileName, type }: { fileName: string | undefined; type: string }): void {
    source.on('error', () => this.#fail(malformed('/body', 'ends in the middle of the file')))
    const fault = this.#fileFault(name, fileName)
    if (fault || fileName === undefined) {
      source.resume()
      return this.#fail(fault)
    }
    try {
      const rawFields = Object.fromEntries(this.#fields)
      const fields = this.#options.checkFields(rawFields) as Record<string, unknown>
      this.#file = this.#relay(source)
      this.#opened.resolve(this.#upload({ fields, rawFields, file: { name: fileName, declaredType: type, stream: this.#file } }))
    } catch (error) {
      source.resume()
      this.#fail(error)
    }
  }

  #fileFault(name: unknown, fileName: string | undefined): Problem | null {
    const { file } = this.#options.contract
    if (typeof name !== 'string' || name === '') return malformed('/body', 'has a part without a name')
    const pointer = pointerTo('/body', [name])
    if (this.#file !== null) return invalid('body', [{ pointer, detail: 'is a second file: send one at a time' }])
    if (name !== file) return invalid('body', [{ pointer, detail: `is not known here: the file belongs into "${file}"` }])
    return fileName === undefined ? invalid('body', [{ pointer, detail: 'must be a file: give it a filename' }]) : null
  }

  /** The file's bytes; not its end, which is told when the rest of the body was found in order. */
  #relay(source: BusboyFileStream): Readable {
    const file = new Readable({ read: () => void source.resume() })
    source.on('data', (chunk: Buffer) => {
      this.#hash?.update(chunk)
      if (!file.push(chunk)) source.pause()
    })
    source.once('end', () => {
      this.#fileEnded = true
    })
    // A failure may come before the handler listens; whoever reads later still gets it.
    file.on('error', () => undefined)
    // The reader gave up: stop taking bytes from the client.
    file.once('close', () => {
      if (!file.readableEnded) this.#fail(new ClientGone())
    })
    return file
  }

  #upload({ fields, rawFields, file }: { fields: Record<string, unknown>; rawFields: Record<string, string>; file: UploadedFile }): Upload {
    return { fields, file, rawFields, sha256: () => this.#digest, [Symbol.dispose]: () => this[Symbol.dispose]() }
  }
}

type ParserOptions = Omit<ConstructorParameters<typeof Busboy>[0], 'headers'>

/** RFC 2046 §5.1.1 wants at least one character; with none, every line that begins with two dashes would end a part. */
const emptyBoundary = /;\s*boundary\s*=\s*(?:"")?\s*(?:;|$)/i

function createParser({ request }: Exchange, options: ParserOptions): BusboyInstance {
  if (emptyBoundary.test(request.headers['content-type'] ?? '')) throw malformed('/headers/content-type', 'names no boundary')
  try {
    return new Busboy({ headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' }, ...options })
  } catch {
    throw malformed('/headers/content-type', 'names no boundary')
  }
}

function malformed(pointer: string, detail: string): Problem {
  return problem('request.malformed', { detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })
}
