import type { UploadTarget } from '../../api/uploads.ts'

export function fileTarget(folderId: string | null): UploadTarget {
  return {
    method: 'POST',
    path: '/api/v1/files',
    part: 'file',
    ...(folderId === null ? {} : { fields: { folderId } }),
    refreshes: ['/api/v1/files', '/api/v1/quarantine'],
  }
}
