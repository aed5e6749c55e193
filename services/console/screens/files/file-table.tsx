import { Group, Table, Text, UnstyledButton } from '@mantine/core'
import { IconFile, IconFolderFilled } from '@tabler/icons-react'
import type { FileItem, FolderItem } from '../../api/calls.ts'
import { useMay } from '../../api/use-api.ts'
import { bytesText, momentText } from '../../api/words.ts'
import { AnchorLink } from '../../parts/anchor-link.tsx'
import { FileActions } from './file-actions.tsx'
import classes from './file-table.module.css'
import { FolderActions } from './folder-actions.tsx'
import { SelectAll, SelectOne } from './select-box.tsx'
import type { Selection } from './selection.ts'
import { VerdictBadge } from './verdict-badge.tsx'

interface FileTableProps {
  readonly folders: readonly FolderItem[]
  readonly files: readonly FileItem[]
  readonly selection: Selection
  readonly onOpen: (file: FileItem) => void
}

export function FileTable({ folders, files, selection, onOpen }: FileTableProps) {
  const mayWrite = useMay('member')
  return (
    <Table aria-label="Folders and files" verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          {mayWrite && (
            <Table.Th className={classes.box}>
              <SelectAll selection={selection} disabled={!files.some(isSelectable)} />
            </Table.Th>
          )}
          <Table.Th>Name</Table.Th>
          <Table.Th>Verdict</Table.Th>
          <Table.Th className={classes.wide}>Size</Table.Th>
          <Table.Th className={classes.wide}>Changed</Table.Th>
          <Table.Th>
            <span className="visually-hidden">Actions</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {folders.map((folder) => (
          <FolderRow key={folder.id} folder={folder} />
        ))}
        {files.map((file) => (
          <FileRow key={file.id} file={file} selection={selection} onOpen={onOpen} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function FolderRow({ folder }: { readonly folder: FolderItem }) {
  const mayWrite = useMay('member')
  return (
    <Table.Tr>
      {mayWrite && <Table.Td className={classes.box} />}
      <Table.Td className={classes.name}>
        <Group wrap="nowrap" gap="xs">
          <IconFolderFilled size={18} aria-hidden />
          <AnchorLink to="/files" search={{ folder: folder.id }} truncate>
            {folder.name}
          </AnchorLink>
        </Group>
      </Table.Td>
      <Table.Td />
      <Table.Td className={classes.wide} />
      <Table.Td className={classes.wide}>
        <Text size="sm">{momentText(folder.updatedAt)}</Text>
      </Table.Td>
      <Table.Td ta="right">{mayWrite && <FolderActions folder={folder} />}</Table.Td>
    </Table.Tr>
  )
}

interface FileRowProps {
  readonly file: FileItem
  readonly selection: Selection
  readonly onOpen: (file: FileItem) => void
}

/** Only what can be read can be moved or trashed. */
export function isSelectable({ verdict }: FileItem): boolean {
  return verdict === 'clean'
}

function FileRow({ file, selection, onOpen }: FileRowProps) {
  const mayWrite = useMay('member')
  return (
    <Table.Tr>
      {mayWrite && <Table.Td className={classes.box}>{isSelectable(file) && <SelectOne selection={selection} file={file} />}</Table.Td>}
      <Table.Td className={classes.name}>
        <Group wrap="nowrap" gap="xs">
          <IconFile size={18} aria-hidden />
          <UnstyledButton onClick={() => onOpen(file)} disabled={file.verdict !== 'clean'} maw="100%">
            <Text truncate>{file.name}</Text>
          </UnstyledButton>
        </Group>
      </Table.Td>
      <Table.Td>
        <VerdictBadge {...file} />
      </Table.Td>
      <Table.Td className={classes.wide}>
        <Text size="sm">{bytesText(file.size)}</Text>
      </Table.Td>
      <Table.Td className={classes.wide}>
        <Text size="sm">{momentText(file.updatedAt)}</Text>
      </Table.Td>
      <Table.Td ta="right">
        <FileActions file={file} onOpen={onOpen} />
      </Table.Td>
    </Table.Tr>
  )
}
