import { ActionIcon, Menu } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { useState } from 'react'
import type { FileItem } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useMay } from '../../api/use-api.ts'
import { tell, tellProblem } from '../../parts/tell.tsx'
import { download } from './download.ts'
import { MoveDialog } from './move-dialog.tsx'
import { RenameDialog } from './rename-dialog.tsx'
import { VersionsDialog } from './versions-dialog.tsx'

interface FileActionsProps {
  readonly file: FileItem
  readonly onOpen: (file: FileItem) => void
}

type Change = { readonly name?: string; readonly folderId?: string | null }

export function FileActions({ file, onOpen }: FileActionsProps) {
  const [dialog, setDialog] = useState<'rename' | 'move' | 'versions' | null>(null)
  const mayWrite = useMay('member') && file.verdict === 'clean'
  const target = { params: { id: file.id }, headers: { 'if-match': file.etag } }
  const change = useChange((body: Change) => api.call('PATCH /api/v1/files/{id}', { ...target, body }), ['/api/v1/files'])
  const trash = useChange(() => api.call('DELETE /api/v1/files/{id}', target), ['/api/v1/files'], {
    onDone: () => tell(`${file.name} is in the trash`),
    onFail: tellProblem,
  })
  const close = () => setDialog(null)
  const apply = (body: Change) => change.mutateAsync(body).then(close)
  return (
    <>
      <Menu position="bottom-end" withinPortal={false}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${file.name}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item disabled={file.verdict !== 'clean'} onClick={() => onOpen(file)}>
            Look at it
          </Menu.Item>
          <Menu.Item disabled={file.verdict !== 'clean'} onClick={() => void download({ id: file.id, name: file.name }).catch(tellProblem)}>
            Download
          </Menu.Item>
          <Menu.Item onClick={() => setDialog('versions')}>Versions</Menu.Item>
          {mayWrite && <Menu.Item onClick={() => setDialog('rename')}>Rename</Menu.Item>}
          {mayWrite && <Menu.Item onClick={() => setDialog('move')}>Move</Menu.Item>}
          {mayWrite && (
            <Menu.Item color="red" onClick={() => trash.mutate(undefined)}>
              To the trash
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {dialog === 'versions' && <VersionsDialog file={file} onClose={close} />}
      {dialog === 'rename' && <RenameDialog name={file.name} onClose={close} onRename={(name) => apply({ name })} />}
      {dialog === 'move' && <MoveDialog name={file.name} from={file.folderId} onClose={close} onMove={(folderId) => apply({ folderId })} />}
    </>
  )
}
