import type { FileItem } from '../../api/calls.ts'
import { fetchBytes } from '../../api/runtime.ts'

/** Saves the content under its name. A link alone could not carry the token. */
export async function download({ id, name }: Pick<FileItem, 'id' | 'name'>): Promise<void> {
  const url = URL.createObjectURL(await fetchBytes(`/api/v1/files/${id}/content`))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken what it needs once the click was handled.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
