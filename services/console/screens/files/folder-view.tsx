import { Stack } from '@mantine/core'
import { useState } from 'react'
import type { FileItem } from '../../api/calls.ts'
import { useList, useMay } from '../../api/use-api.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { FolderBulk } from './bulk-actions.tsx'
import { Crumbs } from './crumbs.tsx'
import { FileTable, isSelectable } from './file-table.tsx'
import { NewFolder } from './new-folder.tsx'
import { Preview } from './preview.tsx'
import { useSelection } from './selection.ts'
import { UploadZone } from './upload-zone.tsx'

interface FolderViewProps {
  /** Null: the root. */
  readonly folderId: string | null
}

/** Files without a verdict yet are asked for again until they have one. */
const pendingMilliseconds = 1500

export function FolderView({ folderId }: FolderViewProps) {
  const place = folderId ?? 'root'
  const [pending, setPending] = useState(false)
  const folders = useList('GET /api/v1/folders', { query: { parentId: place } })
  const files = useList(
    'GET /api/v1/files',
    { query: { folderId: place, sort: 'name', order: 'asc' } },
    { every: pending && pendingMilliseconds },
  )
  const [opened, setOpened] = useState<FileItem | null>(null)
  const mayWrite = useMay('member')
  const selection = useSelection((files.data ?? []).filter(isSelectable))
  const anyPending = files.data?.some(({ verdict }) => verdict === 'pending') ?? false
  if (anyPending !== pending) setPending(anyPending)
  return (
    <Stack>
      <Crumbs folderId={folderId} actions={mayWrite && <NewFolder parentId={folderId} />} />
      {mayWrite && <UploadZone folderId={folderId} />}
      <Loaded query={folders}>
        {(folderItems) => (
          <Loaded query={files}>
            {(fileItems) =>
              folderItems.length + fileItems.length === 0 ? (
                <Empty title="This folder is empty">
                  {mayWrite
                    ? 'Drop files above, or press the button there. Each is scanned before it can be read.'
                    : 'Members can put files here.'}
                </Empty>
              ) : (
                <>
                  <FolderBulk selection={selection} folderId={folderId} />
                  <FileTable folders={folderItems} files={fileItems} selection={selection} onOpen={setOpened} />
                </>
              )
            }
          </Loaded>
        )}
      </Loaded>
      <Preview file={opened} onClose={() => setOpened(null)} />
    </Stack>
  )
}
