import type { FileItem } from '../../api/calls.ts'

export type PreviewKind = 'image' | 'video' | 'audio' | 'pdf' | 'text' | 'none' | 'large'

const mebibyte = 1_048_576
/** Previews are held in memory as a whole. */
const largest: Readonly<Record<Exclude<PreviewKind, 'none' | 'large'>, number>> = {
  image: 50 * mebibyte,
  video: 200 * mebibyte,
  audio: 100 * mebibyte,
  pdf: 50 * mebibyte,
  text: mebibyte,
}

const images = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/avif', 'image/gif', 'image/bmp'])

/** How a file can be shown. SVG and HTML are programs: they are not. */
export function previewKind({ contentType, size }: Pick<FileItem, 'contentType' | 'size'>): PreviewKind {
  const kind = kindOf(contentType)
  return kind !== 'none' && size > largest[kind] ? 'large' : kind
}

function kindOf(contentType: string): Exclude<PreviewKind, 'large'> {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (images.has(type)) return 'image'
  if (type.startsWith('video/')) return 'video'
  if (type.startsWith('audio/')) return 'audio'
  if (type === 'application/pdf') return 'pdf'
  return type === 'text/plain' || type === 'application/json' || type === 'text/csv' ? 'text' : 'none'
}
