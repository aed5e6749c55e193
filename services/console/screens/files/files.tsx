import { Tabs } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useMay } from '../../api/use-api.ts'
import { CopyAsCurl } from '../../parts/copy-as-curl.tsx'
import { Screen } from '../../parts/screen.tsx'
import { FolderView } from './folder-view.tsx'
import { Quarantine } from './quarantine.tsx'
import { Trash } from './trash.tsx'

const route = getRouteApi('/workplace/files')

export function Files() {
  const { folder, view: asked = 'files' } = route.useSearch()
  const navigate = route.useNavigate()
  const isAdmin = useMay('admin')
  const view = asked === 'quarantine' && !isAdmin ? 'files' : asked
  const show = (next: string | null) => navigate({ search: next === 'trash' || next === 'quarantine' ? { view: next } : {} })
  const query = { folderId: folder ?? 'root' }
  const curl = {
    files: <CopyAsCurl call="GET /api/v1/files" input={{ query }} />,
    trash: <CopyAsCurl call="GET /api/v1/files" input={{ query: { trashed: 'true' } }} />,
    quarantine: <CopyAsCurl call="GET /api/v1/quarantine" />,
  }
  return (
    <Screen title="Files" actions={curl[view]}>
      <Tabs value={view} onChange={(next) => void show(next)} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="files">Files</Tabs.Tab>
          <Tabs.Tab value="trash">Trash</Tabs.Tab>
          {isAdmin && <Tabs.Tab value="quarantine">Quarantine</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="files">
          <FolderView key={folder ?? 'root'} folderId={folder ?? null} />
        </Tabs.Panel>
        <Tabs.Panel value="trash">
          <Trash />
        </Tabs.Panel>
        {isAdmin && (
          <Tabs.Panel value="quarantine">
            <Quarantine />
          </Tabs.Panel>
        )}
      </Tabs>
    </Screen>
  )
}
