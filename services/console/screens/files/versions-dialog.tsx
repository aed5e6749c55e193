import { Badge, Button, FileButton, Group, Modal, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { FileItem, ItemOf } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useCall, useChange, useList, useMay } from '../../api/use-api.ts'
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

/** Somebody else may write, and new content gets its verdict meanwhile. */
const everyMilliseconds = 3000

/** What a file was, and what it is to be: earlier contents, new content, and the way back. */
export function VersionsDialog({ file: listed, onClose }: VersionsDialogProps) {
  const params = { id: listed.id }
  const file = useCall('GET /api/v1/files/{id}', { params }, { every: everyMilliseconds }).data ?? listed
  const versions = useList('GET /api/v1/files/{id}/versions', { params }, { every: everyMilliseconds })
  const [asked, setAsked] = useState<number | null>(null)
  const mayWrite = useMay('member') && file.verdict === 'clean'
  const replace = (content: File | null) => {
    if (!content) return
    uploads.add([content], contentTarget(file))
    onClose()
  }
  return (
    <Modal
      opened
      onClose={onClose}
      // Escape answers the question first.
      closeOnEscape={asked === null}
      size="lg"
      title={`Versions of ${file.name}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
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
                  <VersionRow
                    key={version.revision}
                    file={file}
                    version={version}
                    mayWrite={mayWrite}
                    asked={asked === version.revision}
                    onAsk={(asks) => setAsked(asks ? version.revision : null)}
                  />
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
  /** Whether somebody is asked whether to delete it. */
  readonly asked: boolean
  readonly onAsk: (asks: boolean) => void
}

function VersionRow(props: VersionRowProps) {
  const { revision, current, size, at, verdict, scan } = props.version
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        <Group gap="xs">
          {revision}
          {current && <Badge tt="none">current</Badge>}
        </Group>
        <Text size="sm" c="dimmed">
          {bytesText(size)}, {momentText(at)}
        </Text>
      </Table.Th>
      <Table.Td>
        <VerdictBadge verdict={verdict} scan={scan} />
      </Table.Td>
      <Table.Td>
        <Group gap="xs" justify="flex-end">
          {verdict === 'clean' && <DownloadVersion {...props} />}
          {props.mayWrite && !current && verdict === 'clean' && <RestoreVersion {...props} />}
          {props.mayWrite && !current && (verdict === 'clean' || verdict === 'pending') && <DeleteVersion {...props} />}
        </Group>
      </Table.Td>
    </Table.Tr>
  )
}

function nameOf({ file, version }: VersionRowProps): string {
  return `version ${version.revision} of ${file.name}`
}

function DownloadVersion(props: VersionRowProps) {
  const { id, name } = props.file
  const { revision } = props.version
  const save = () => void download({ id, name, revision }).catch(tellProblem)
  return (
    <Button size="xs" variant="default" aria-label={`Download ${nameOf(props)}`} onClick={save}>
      Download
    </Button>
  )
}

function RestoreVersion(props: VersionRowProps) {
  const { file, version } = props
  const target = { params: { id: file.id, revision: version.revision }, headers: { 'if-match': file.etag } }
  const restore = useChange(() => api.call('POST /api/v1/files/{id}/versions/{revision}/restore', target), ['/api/v1/files'], {
    onDone: ({ name }) => tell(`${name} is as in version ${version.revision}`),
    onFail: tellProblem,
  })
  return (
    <Button
      size="xs"
      variant="default"
      loading={restore.isPending}
      aria-label={`Restore ${nameOf(props)}`}
      onClick={() => restore.mutate(undefined)}
    >
      Restore
    </Button>
  )
}

function DeleteVersion(props: VersionRowProps) {
  const params = { id: props.file.id, revision: props.version.revision }
  const close = () => props.onAsk(false)
  const purge = useChange(() => api.call('DELETE /api/v1/files/{id}/versions/{revision}', { params }), ['/api/v1/files'], {
    onDone: close,
    onFail: tellProblem,
  })
  return (
    <>
      <Button size="xs" variant="light" color="red" aria-label={`Delete ${nameOf(props)}`} onClick={() => props.onAsk(true)}>
        Delete
      </Button>
      <Confirm
        opened={props.asked}
        title={`Delete ${nameOf(props)}?`}
        action="Delete it"
        busy={purge.isPending}
        onClose={close}
        onConfirm={() => purge.mutate(undefined)}
      >
        Nobody can bring it back after this. The file and its other versions stay.
      </Confirm>
    </>
  )
}
