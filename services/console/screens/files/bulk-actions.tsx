import { Button, Group, Text } from '@mantine/core'
import { type ReactNode, useState, useSyncExternalStore } from 'react'
import type { FileItem } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { bulk } from '../../api/work.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { MoveDialog } from './move-dialog.tsx'
import type { Selection } from './selection.ts'

const refreshes = ['/api/v1/files', '/api/v1/folders']
const nameOf = ({ name }: FileItem) => name
const unchanged = ({ id, etag }: FileItem) => ({ params: { id }, headers: { 'if-match': etag } })

function begin(selection: Selection, title: string, act: (file: FileItem) => Promise<unknown>): void {
  void bulk.run({ title, items: selection.files, nameOf, act, refreshes })
  selection.clear()
}

/** What can be done with the chosen files of a folder. */
export function FolderBulk({ selection, folderId }: { readonly selection: Selection; readonly folderId: string | null }) {
  const [moving, setMoving] = useState(false)
  const move = async (target: string | null) => {
    begin(selection, 'Moving files', (file) => api.call('PATCH /api/v1/files/{id}', { ...unchanged(file), body: { folderId: target } }))
    setMoving(false)
  }
  return (
    <Bar selection={selection}>
      {(busy) => (
        <>
          <Button size="xs" variant="default" disabled={busy} onClick={() => setMoving(true)}>
            Move
          </Button>
          <Button
            size="xs"
            variant="light"
            color="red"
            disabled={busy}
            onClick={() => begin(selection, 'Moving to the trash', (file) => api.call('DELETE /api/v1/files/{id}', unchanged(file)))}
          >
            To the trash
          </Button>
          {moving && <MoveDialog name={countText(selection.files.length)} from={folderId} onClose={() => setMoving(false)} onMove={move} />}
        </>
      )}
    </Bar>
  )
}

/** What can be done with the chosen files of the trash. */
export function TrashBulk({ selection }: { readonly selection: Selection }) {
  const [asking, setAsking] = useState(false)
  const purge = () => {
    begin(selection, 'Deleting for good', ({ id }) =>
      api.call('DELETE /api/v1/files/{id}', { params: { id }, query: { permanent: 'true' } }),
    )
    setAsking(false)
  }
  return (
    <Bar selection={selection}>
      {(busy) => (
        <>
          <Button
            size="xs"
            variant="default"
            disabled={busy}
            onClick={() => begin(selection, 'Restoring', ({ id }) => api.call('POST /api/v1/files/{id}/restore', { params: { id } }))}
          >
            Restore
          </Button>
          <Button size="xs" variant="light" color="red" disabled={busy} onClick={() => setAsking(true)}>
            Delete for good
          </Button>
          <Confirm
            opened={asking}
            title={`Delete ${countText(selection.files.length)} for good?`}
            action="Delete for good"
            onClose={() => setAsking(false)}
            onConfirm={purge}
          >
            Nobody can bring them back after this.
          </Confirm>
        </>
      )}
    </Bar>
  )
}

interface BarProps {
  readonly selection: Selection
  /** `busy`: another change of many is under way. */
  readonly children: (busy: boolean) => ReactNode
}

function Bar({ selection, children }: BarProps) {
  const state = useSyncExternalStore(bulk.shown.subscribe, bulk.shown.get)
  if (selection.files.length === 0) return null
  return (
    <Group gap="xs" role="toolbar" aria-label="Chosen files">
      <Text size="sm" role="status">
        {countText(selection.files.length)} chosen
      </Text>
      {children(state?.isRunning ?? false)}
      <Button size="xs" variant="subtle" onClick={selection.clear}>
        None
      </Button>
    </Group>
  )
}

function countText(count: number): string {
  return count === 1 ? '1 file' : `${count} files`
}
