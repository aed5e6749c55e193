import { Checkbox } from '@mantine/core'
import type { FileItem } from '../../api/calls.ts'
import type { Selection } from './selection.ts'

export function SelectAll({ selection, disabled = false }: { readonly selection: Selection; readonly disabled?: boolean }) {
  const { state, toggleAll } = selection
  return (
    <Checkbox
      aria-label="Choose all files"
      disabled={disabled}
      checked={state === 'all'}
      indeterminate={state === 'some'}
      onChange={toggleAll}
    />
  )
}

export function SelectOne({ selection, file }: { readonly selection: Selection; readonly file: FileItem }) {
  return <Checkbox aria-label={`Choose ${file.name}`} checked={selection.has(file)} onChange={() => selection.toggle(file)} />
}
