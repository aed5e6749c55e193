import type { Readable } from 'node:stream'
import { z } from 'zod'

export interface MultipartLimits {
  /** Text fields at most. */
  readonly fields: number
  /** Bytes of one text field at most. */
  readonly fieldBytes: number
  /** Bytes of the header of one part at most. */
  readonly headerBytes: number
}

/** A `multipart/form-data` body: text fields, then exactly one file. */
export interface Multipart<Shape extends z.ZodObject = z.ZodObject> {
  readonly kind: 'multipart'
  /** Name of the part that carries the file. */
  readonly file: string
  readonly fields: Shape
  readonly limits: MultipartLimits
  readonly description?: string | undefined
}

/** What a handler gets: the fields are validated, the file's bytes are still on their way. */
export interface Parts<Fields = Record<string, unknown>> {
  readonly fields: Fields
  readonly file: UploadedFile
}

export interface UploadedFile {
  /** As the client sent it, directories and all: decide on it before you use it. */
  readonly name: string
  /** What the client believes. */
  readonly declaredType: string
  /**
   * Ends when the whole body was received and satisfied the contract, so that nothing that follows the file can be missed by committing
   * early. Fails with a problem otherwise. Destroying it stops the upload.
   */
  readonly stream: Readable
}

interface Declaration<Shape extends z.ZodObject> {
  file?: string
  fields?: Shape
  limits?: Partial<MultipartLimits>
  description?: string
}

const defaultLimits: MultipartLimits = { fields: 16, fieldBytes: 64 * 1024, headerBytes: 8 * 1024 }

/** Declares the body of an upload: the file is in the part `file` unless named otherwise; unknown fields are refused. */
export function multipart<Shape extends z.ZodObject = z.ZodObject<Record<string, never>>>(
  declaration: Declaration<Shape> = {},
): Multipart<Shape> {
  const { file = 'file', limits, description } = declaration
  const fields = declaration.fields ?? (z.object({}) as unknown as Shape)
  return { kind: 'multipart', file, fields, limits: { ...defaultLimits, ...limits }, description }
}

export function isMultipart(body: unknown): body is Multipart {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'multipart'
}
