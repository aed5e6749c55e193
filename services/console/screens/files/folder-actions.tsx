import { ActionIcon, Menu } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { useState } from 'react'
import type { FolderItem } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange } from '../../api/use-api.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { tellProblem } from '../../parts/tell.tsx'
import { MoveDialog } from './move-dialog.tsx'
import { RenameDialog } from './rename-dialog.tsx'

type Change = { readonly name?: string; readonly parentId?: string | null }

export function FolderActions({ folder }: { readonly folder: FolderItem }) {
  const [dialog, setDialog] = useState<'rename' | 'move' | 'remove' | null>(null)
  const target = { params: { id: folder.id }, headers: { 'if-match': folder.etag } }
  const paths = ['/api/v1/folders', '/api/v1/files']
  const change = useChange((body: Change) => api.call('PATCH /api/v1/folders/{id}', { ...target, body }), paths)
  const remove = useChange(() => api.call('DELETE /api/v1/folders/{id}', { ...target, query: { recursive: 'true' } }), paths)
  const close = () => setDialog(null)
  const apply = (body: Change) => change.mutateAsync(body).then(close)
  return (
    <>
      <Menu position="bottom-end" withinPortal={false}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${folder.name}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setDialog('rename')}>Rename</Menu.Item>
          <Menu.Item onClick={() => setDialog('move')}>Move</Menu.Item>
          <Menu.Item color="red" onClick={() => setDialog('remove')}>
            Remove
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'rename' && <RenameDialog name={folder.name} onClose={close} onRename={(name) => apply({ name })} />}
      {dialog === 'move' && (
        <MoveDialog
          name={folder.name}
          from={folder.parentId}
          without={folder.id}
          onClose={close}
          onMove={(parentId) => apply({ parentId })}
        />
      )}
      <Confirm
        opened={dialog === 'remove'}
        title={`Remove ${folder.name}?`}
        action="Remove"
        busy={remove.isPending}
        onClose={close}
        onConfirm={() => remove.mutate(undefined, { onSuccess: close, onError: tellProblem })}
      >
        The files in it and below go to the trash, from where they can be brought back. The folders themselves are gone.
      </Confirm>
    </>
  )
}
