import { bytes, type Input, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { newUploadId } from '../domain/resumable.ts'
import { authorOf } from './author.ts'
import { Id } from './representation.ts'
import { wishOf } from './resumable-metadata.ts'
import { callTus, resumablePath, type TusAnswer, type TusCall, tusVersion } from './resumable-tus.ts'

const route = routesFor<FilesContext>()
const tags = ['files']
const auth = { role: 'member', scope: 'files:write' } as const
const always = { 'tus-resumable': tusVersion }
const octets = 'application/offset+octet-stream'
const extensions = 'creation,creation-with-upload,creation-defer-length,expiration,termination'

const ByteCount = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/, 'must be a number of bytes')
  .refine((text) => Number.isSafeInteger(Number(text)), 'is too large')
const UploadId = z.string().regex(/^[\w-]{22,64}$/, 'is no id of an upload')
const params = z.object({ id: UploadId })
const metadataBytes = 4096

const location = 'The upload: send PATCH there'
const offset = 'Bytes that have been received'
const expires = 'Until when it can be gone on with'
const file = 'The file that it has become; ask there for the verdict'
const progress = { 'upload-offset': offset, 'upload-expires': expires, 'slipway-file': file }

export const createResumable = route(
  {
    method: 'POST',
    path: resumablePath,
    operation: 'files.resumable.create',
    summary: 'Begin a resumable upload',
    description:
      'tus 1.0 (https://tus.io/protocols/resumable-upload). `Upload-Metadata` names `filename`, and if wanted `folderId` and `onConflict` (`rename` or `fail`). The length counts against the quota from now on. The file is scanned when all bytes are in.',
    tags,
    auth,
    always,
    headers: z.object({
      'upload-length': ByteCount.optional(),
      'upload-defer-length': z.literal('1').optional().describe('The length comes with a later PATCH'),
      'upload-metadata': z.string().max(metadataBytes).optional(),
      'upload-concat': z.never('is not served: send one upload').optional(),
    }),
    body: bytes({ type: octets, optional: true }),
    responses: { 201: { description: 'Begun; with a body, its bytes are in', headers: { location, ...progress } } },
    problems: ['request.invalid', 'file.too-large', 'quota.exceeded', 'name.taken', 'storage.unavailable', 'upload.version-unsupported'],
  },
  async (input, context) => {
    const { headers } = input.request
    const body = headers['content-type'] === octets ? { stream: input.stream } : {}
    const wish = wishOf(headers['upload-metadata'])
    return reply(201, undefined, {
      headers: told(await callTus(context, { ...callOf(input, newUploadId()), method: 'POST', wish, ...body })),
    })
  },
)

export const getResumable = route(
  {
    method: 'GET',
    path: `${resumablePath}/{id}`,
    operation: 'files.resumable.get',
    summary: 'How far a resumable upload is',
    description: 'HEAD is what tus 1.0 asks. A PATCH that hangs is asked to end, so that the offset is one to go on from.',
    tags,
    auth,
    always,
    params,
    responses: {
      200: {
        description: 'The upload',
        schema: z.object({
          offset: z.int(),
          length: z.int().nullable().describe('null as long as the client has not said it'),
          expiresAt: z.iso.datetime(),
          fileId: Id.nullable().describe('null until all bytes are in'),
        }),
        example: { offset: 8_388_608, length: 48_213_000, expiresAt: '2026-11-22T09:30:00.000Z', fileId: null },
        headers: {
          ...progress,
          'upload-length': 'In bytes',
          'upload-defer-length': '1 as long as it is not known',
          'upload-metadata': 'As sent',
        },
      },
    },
    problems: ['resource.not-found', 'resource.gone', 'upload.locked', 'upload.version-unsupported', 'storage.unavailable', 'name.taken'],
  },
  async (input, context) => {
    const answer = await callTus(context, { ...callOf(input, input.params.id), method: 'HEAD' })
    const { row } = answer
    if (!row) throw new Error('an upload was answered without its row')
    const { received, length, expiresAt, finishedAt, fileId } = row
    const body = { offset: received, length, expiresAt: expiresAt.toISOString(), fileId: finishedAt ? fileId : null }
    return reply(200, body, { headers: told(answer) })
  },
)

const patchProblems = [
  'resource.not-found',
  'resource.gone',
  'upload.offset-mismatch',
  'upload.locked',
  'upload.version-unsupported',
  'file.too-large',
  'quota.exceeded',
  'name.taken',
  'request.invalid',
  'storage.unavailable',
] as const

export const patchResumable = route(
  {
    method: 'PATCH',
    path: `${resumablePath}/{id}`,
    operation: 'files.resumable.append',
    summary: 'Go on with a resumable upload',
    description:
      'tus 1.0. Bytes that came before the connection broke are kept. The answer to the last one names the file in `Slipway-File`; its verdict is still to come.',
    tags,
    auth,
    always,
    params,
    headers: z.object({ 'upload-offset': ByteCount, 'upload-length': ByteCount.optional().describe('Where it was deferred') }),
    body: bytes({ type: octets }),
    responses: { 204: { description: 'Received', headers: progress } },
    problems: patchProblems,
  },
  async (input, context) => {
    const answer = await callTus(context, { ...callOf(input, input.params.id), method: 'PATCH', stream: input.stream })
    return reply(204, undefined, { headers: told(answer) })
  },
)

export const deleteResumable = route(
  {
    method: 'DELETE',
    path: `${resumablePath}/{id}`,
    operation: 'files.resumable.end',
    summary: 'Give up a resumable upload',
    description: 'tus 1.0. Its bytes are removed and its quota is free at once. What has become a file is deleted as a file.',
    tags,
    auth,
    always,
    params,
    idempotent: false,
    responses: { 204: { description: 'Gone' } },
    problems: ['resource.not-found', 'resource.conflict', 'resource.gone', 'upload.locked', 'upload.version-unsupported'],
  },
  async (input, context) => {
    await callTus(context, { ...callOf(input, input.params.id), method: 'DELETE' })
    return reply(204)
  },
)

export const resumableOptions = route(
  {
    method: 'OPTIONS',
    path: resumablePath,
    operation: 'files.resumable.options',
    summary: 'What of tus is served',
    tags,
    auth: 'none',
    responses: {
      204: {
        description: 'Version, extensions and limit',
        headers: {
          'tus-version': tusVersion,
          'tus-extension': 'Separated by commas',
          'tus-max-size': 'Bytes of one file at most; the quota may leave less',
        },
      },
    },
  },
  async (_input, { limits }) =>
    reply(204, undefined, {
      headers: { allow: 'OPTIONS, POST', 'tus-version': tusVersion, 'tus-extension': extensions, 'tus-max-size': limits.fileBytes },
    }),
)

function callOf(input: Pick<Input, 'request'> & Parameters<typeof authorOf>[0], id: string): Omit<TusCall, 'method'> {
  const { headers, signal, closing } = input.request
  return { author: authorOf(input), id, headers, signal, closing }
}

/** `Location` and what follows from the state, beside what the protocol says. */
function told({ headers, row }: TusAnswer): Record<string, string> {
  return { ...headers, ...(row?.finishedAt ? { 'slipway-file': `/api/v1/files/${row.fileId}` } : {}) }
}
