import { fetchBytes } from '../../api/runtime.ts'

interface Wanted {
  readonly id: string
  readonly name: string
  /** An earlier one; else the current one. */
  readonly revision?: number
}

/** Saves the content under its name. A link alone could not carry the token. */
export async function download({ id, name, revision }: Wanted): Promise<void> {
  const version = revision === undefined ? '' : `/versions/${revision}`
  const url = URL.createObjectURL(await fetchBytes(`/api/v1/files/${id}${version}/content`))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken what it needs once the click was handled.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
