import { Breadcrumbs, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { FolderItem } from '../../api/calls.ts'
import { useList } from '../../api/use-api.ts'
import { AnchorLink } from '../../parts/anchor-link.tsx'

interface CrumbsProps {
  readonly folderId: string | null
  readonly actions?: ReactNode
}

export function Crumbs({ folderId, actions }: CrumbsProps) {
  const folders = useList('GET /api/v1/folders', {}, { enabled: folderId !== null })
  const path = pathTo(folders.data ?? [], folderId)
  return (
    <Group justify="space-between">
      <nav aria-label="Folder">
        <Breadcrumbs>
          <AnchorLink to="/files">All files</AnchorLink>
          {path.map(({ id, name }) =>
            id === folderId ? (
              <Text key={id} aria-current="page">
                {name}
              </Text>
            ) : (
              <AnchorLink key={id} to="/files" search={{ folder: id }}>
                {name}
              </AnchorLink>
            ),
          )}
        </Breadcrumbs>
      </nav>
      {actions}
    </Group>
  )
}

/** From the top down to the folder. */
export function pathTo(folders: readonly FolderItem[], id: string | null): FolderItem[] {
  const byId = new Map(folders.map((folder) => [folder.id, folder]))
  const path: FolderItem[] = []
  for (
    let at = id === null ? undefined : byId.get(id);
    at && !path.includes(at);
    at = at.parentId === null ? undefined : byId.get(at.parentId)
  ) {
    path.unshift(at)
  }
  return path
}
