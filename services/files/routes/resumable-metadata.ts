import { problem } from '@slipway/problem'
import { Metadata } from '@tus/server'
import { z } from 'zod'
import type { UploadWish } from '../domain/resumable.ts'
import { Id, Name } from './representation.ts'

const Wish = z.object({
  filename: Name,
  folderId: Id.nullish().transform((id) => id ?? null),
  onConflict: z.enum(['rename', 'fail']).default('rename'),
})

/** All of it is given back as it came, so it must be what a database can hold; members beyond ours are the client's business. */
const AnyMetadata = z.record(
  z.string(),
  z
    .string()
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')
    .nullable(),
)

/**
 * What `Upload-Metadata` asks for. Clients of tus call the name `filename` or `name`.
 * @throws request.parameters-invalid, request.invalid
 */
export function wishOf(header: string | string[] | undefined): Omit<UploadWish, 'id' | 'length' | 'lockToken'> {
  const metadata = check(AnyMetadata, parse(String(header ?? '')))
  const { filename: name, folderId, onConflict } = check(Wish, { filename: metadata['name'], ...metadata })
  return { target: { name, folderId, onConflict }, metadata }
}

function parse(header: string): Record<string, string | null> {
  try {
    return header === '' ? {} : Metadata.parse(header)
  } catch {
    const detail = 'must be pairs of a name and a value in base64, separated by commas'
    throw problem('request.parameters-invalid', { detail, errors: [{ pointer, detail }] })
  }
}

const pointer = '/headers/upload-metadata'

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.map(({ path, message }) => ({ pointer: [pointer, ...path.map(String)].join('/'), detail: message }))
  throw problem('request.invalid', { detail: errors.map((error) => `${error.pointer}: ${error.detail}`).join('; '), errors })
}
