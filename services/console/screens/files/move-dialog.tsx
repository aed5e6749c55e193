import { Button, Group, Modal, Select, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { FolderItem } from '../../api/calls.ts'
import { useList } from '../../api/use-api.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { pathTo } from './crumbs.tsx'

interface MoveDialogProps {
  readonly name: string
  readonly from: string | null
  /** A folder cannot be moved into itself or below. */
  readonly without?: string
  readonly onMove: (folderId: string | null) => Promise<unknown>
  readonly onClose: () => void
}

const root = 'root'

export function MoveDialog({ name, from, without, onMove, onClose }: MoveDialogProps) {
  const folders = useList('GET /api/v1/folders')
  const [target, setTarget] = useState<string>(from ?? root)
  const move = useMutation({ mutationFn: () => onMove(target === root ? null : target) })
  return (
    <Modal opened onClose={onClose} title={`Move ${name}`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <Select
          label="Into"
          data-autofocus
          searchable
          openOnFocus={false}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
          data={[{ value: root, label: 'All files' }, ...choices(folders.data ?? [], without)]}
          value={target}
          onChange={(value) => setTarget(value ?? root)}
        />
        {move.error && <ProblemAlert error={move.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={move.isPending} disabled={target === (from ?? root)} onClick={() => move.mutate()}>
            Move
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

function choices(folders: readonly FolderItem[], without: string | undefined) {
  return folders.flatMap((folder) => {
    const path = pathTo(folders, folder.id)
    return path.some(({ id }) => id === without) ? [] : [{ value: folder.id, label: path.map(({ name }) => name).join(' / ') }]
  })
}
