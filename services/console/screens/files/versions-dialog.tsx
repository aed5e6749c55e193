import { Badge, Button, FileButton, Group, Modal, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { FileItem, ItemOf } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList, useMay } from '../../api/use-api.ts'
import { bytesText, momentText } from '../../api/words.ts'
import { uploads } from '../../api/work.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'
import { download } from './download.ts'
import { contentTarget } from './file-target.ts'
import { VerdictBadge } from './verdict-badge.tsx'

type Version = ItemOf<'GET /api/v1/files/{id}/versions'>

interface VersionsDialogProps {
  readonly file: FileItem
  readonly onClose: () => void
}

/** What a file was, and what it is to be: earlier contents, new content, and the way back. */
export function VersionsDialog({ file, onClose }: VersionsDialogProps) {
  const versions = useList('GET /api/v1/files/{id}/versions', { params: { id: file.id } })
  const mayWrite = useMay('member') && file.verdict === 'clean'
  const replace = (content: File | null) => {
    if (!content) return
    uploads.add([content], contentTarget(file))
    onClose()
  }
  return (
    <Modal opened onClose={onClose} size="lg" title={`Versions of ${file.name}`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Loaded query={versions}>
        {(items) => (
          <Stack>
            <Table aria-label={`Versions of ${file.name}`}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Version</Table.Th>
                  <Table.Th>Verdict</Table.Th>
                  <Table.Th>
                    <span className="visually-hidden">Actions</span>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((version) => (
                  <VersionRow key={version.revision} file={file} version={version} mayWrite={mayWrite} />
                ))}
              </Table.Tbody>
            </Table>
            {mayWrite && (
              <Group justify="flex-end">
                <FileButton onChange={replace} inputProps={{ 'aria-label': `New content of ${file.name}` }}>
                  {(props) => <Button {...props}>New content</Button>}
                </FileButton>
              </Group>
            )}
          </Stack>
        )}
      </Loaded>
    </Modal>
  )
}

interface VersionRowProps {
  readonly file: FileItem
  readonly version: Version
  readonly mayWrite: boolean
}

function VersionRow({ file, version, mayWrite }: VersionRowProps) {
  const { revision, current, verdict } = version
  const [asking, setAsking] = useState(false)
  const params = { id: file.id, revision }
  const target = { params, headers: { 'if-match': file.etag } }
  const restore = useChange(
    () => api.call('POST /api/v1/files/{id}/versions/{revision}/restore', target),
    ['/api/v1/files'],
    ({ name }) => tell(`${name} is as in version ${revision}`),
  )
  const purge = useChange(() => api.call('DELETE /api/v1/files/{id}/versions/{revision}', { params }), ['/api/v1/files'])
  const name = `version ${revision} of ${file.name}`
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        <Group gap="xs">
          {revision}
          {current && <Badge tt="none">current</Badge>}
        </Group>
        <Text size="sm" c="dimmed">
          {bytesText(version.size)}, {momentText(version.at)}
        </Text>
      </Table.Th>
      <Table.Td>
        <VerdictBadge verdict={verdict} scan={version.scan} />
      </Table.Td>
      <Table.Td>
        <Group gap="xs" justify="flex-end">
          {verdict === 'clean' && (
            <Button
              size="xs"
              variant="default"
              aria-label={`Download ${name}`}
              onClick={() => void download({ id: file.id, name: file.name, revision }).catch(tellProblem)}
            >
              Download
            </Button>
          )}
          {mayWrite && !current && verdict === 'clean' && (
            <Button
              size="xs"
              variant="default"
              loading={restore.isPending}
              aria-label={`Restore ${name}`}
              onClick={() => restore.mutate(undefined, { onError: tellProblem })}
            >
              Restore
            </Button>
          )}
          {mayWrite && !current && (verdict === 'clean' || verdict === 'pending') && (
            <Button size="xs" variant="light" color="red" aria-label={`Delete ${name}`} onClick={() => setAsking(true)}>
              Delete
            </Button>
          )}
        </Group>
        <Confirm
          opened={asking}
          title={`Delete ${name}?`}
          action="Delete it"
          busy={purge.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => purge.mutate(undefined, { onSuccess: () => setAsking(false), onError: tellProblem })}
        >
          Nobody can bring it back after this. The file and its other versions stay.
        </Confirm>
      </Table.Td>
    </Table.Tr>
  )
}
