import type { FileItem } from '../../api/calls.ts'
import type { UploadTarget } from '../../api/uploads.ts'

const refreshes = ['/api/v1/files', '/api/v1/quarantine']

/** New content of a file, unless somebody has changed it since. */
export function contentTarget({ id, etag }: Pick<FileItem, 'id' | 'etag'>): UploadTarget {
  return { method: 'PUT', path: `/api/v1/files/${id}/content`, part: null, headers: { 'if-match': etag }, isPendingAt202: true, refreshes }
}

export function fileTarget(folderId: string | null): UploadTarget {
  return {
    method: 'POST',
    path: '/api/v1/files',
    part: 'file',
    ...(folderId === null ? {} : { fields: { folderId } }),
    refreshes,
  }
}
