import { Button } from '@mantine/core'
import { IconFolderPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { api } from '../../api/runtime.ts'
import { useChange } from '../../api/use-api.ts'
import { RenameDialog } from './rename-dialog.tsx'

export function NewFolder({ parentId }: { readonly parentId: string | null }) {
  const [asking, setAsking] = useState(false)
  const create = useChange((name: string) => api.call('POST /api/v1/folders', { body: { name, parentId } }), ['/api/v1/folders'])
  return (
    <>
      <Button variant="default" size="xs" leftSection={<IconFolderPlus size={16} aria-hidden />} onClick={() => setAsking(true)}>
        New folder
      </Button>
      {asking && (
        <RenameDialog
          name=""
          title="New folder"
          onClose={() => setAsking(false)}
          onRename={(name) => create.mutateAsync(name).then(() => setAsking(false))}
        />
      )}
    </>
  )
}
