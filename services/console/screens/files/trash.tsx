import { Button, Group, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { FileItem } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList, useMay } from '../../api/use-api.ts'
import { bytesText, momentText } from '../../api/words.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'
import { TrashBulk } from './bulk-actions.tsx'
import { SelectAll, SelectOne } from './select-box.tsx'
import { type Selection, useSelection } from './selection.ts'

export function Trash() {
  const files = useList('GET /api/v1/files', { query: { trashed: 'true' } })
  const mayWrite = useMay('member')
  const selection = useSelection(files.data ?? [])
  return (
    <Loaded query={files}>
      {(items) =>
        items.length === 0 ? (
          <Empty title="The trash is empty">What is moved here can be brought back until it is purged by itself.</Empty>
        ) : (
          <Stack>
            {mayWrite && <TrashBulk selection={selection} />}
            <Table aria-label="Trash">
              {mayWrite && (
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th w={44}>
                      <SelectAll selection={selection} />
                    </Table.Th>
                    <Table.Th>File</Table.Th>
                    <Table.Th>
                      <span className="visually-hidden">Actions</span>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
              )}
              <Table.Tbody>
                {items.map((file) => (
                  <TrashRow key={file.id} file={file} selection={selection} />
                ))}
              </Table.Tbody>
            </Table>
          </Stack>
        )
      }
    </Loaded>
  )
}

function TrashRow({ file, selection }: { readonly file: FileItem; readonly selection: Selection }) {
  const [asking, setAsking] = useState(false)
  const mayWrite = useMay('member')
  const params = { id: file.id }
  const restore = useChange(() => api.call('POST /api/v1/files/{id}/restore', { params }), ['/api/v1/files'], {
    onDone: ({ name }) => tell(`${name} is back`),
    onFail: tellProblem,
  })
  const purge = useChange(() => api.call('DELETE /api/v1/files/{id}', { params, query: { permanent: 'true' } }), ['/api/v1/files'])
  return (
    <Table.Tr>
      {mayWrite && (
        <Table.Td>
          <SelectOne selection={selection} file={file} />
        </Table.Td>
      )}
      <Table.Th scope="row" fw={400}>
        {file.name}
        <Text size="sm" c="dimmed">
          {bytesText(file.size)}, here since {file.trashedAt && momentText(file.trashedAt)}
        </Text>
      </Table.Th>
      <Table.Td>
        {mayWrite && (
          <Group gap="xs" justify="flex-end">
            <Button
              size="xs"
              variant="default"
              loading={restore.isPending}
              aria-label={`Restore ${file.name}`}
              onClick={() => restore.mutate(undefined)}
            >
              Restore
            </Button>
            <Button size="xs" variant="light" color="red" aria-label={`Delete for good: ${file.name}`} onClick={() => setAsking(true)}>
              Delete for good
            </Button>
          </Group>
        )}
        <Confirm
          opened={asking}
          title={`Delete ${file.name} for good?`}
          action="Delete for good"
          busy={purge.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => purge.mutate(undefined, { onSuccess: () => setAsking(false), onError: tellProblem })}
        >
          Nobody can bring it back after this.
        </Confirm>
      </Table.Td>
    </Table.Tr>
  )
}
