import { Button, Group, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { FileItem } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList, useMay } from '../../api/use-api.ts'
import { bytesText, momentText } from '../../api/words.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'

export function Trash() {
  const files = useList('GET /api/v1/files', { query: { trashed: 'true' } })
  return (
    <Loaded query={files}>
      {(items) =>
        items.length === 0 ? (
          <Empty title="The trash is empty">What is moved here can be brought back until it is purged by itself.</Empty>
        ) : (
          <Table aria-label="Trash">
            <Table.Tbody>
              {items.map((file) => (
                <TrashRow key={file.id} file={file} />
              ))}
            </Table.Tbody>
          </Table>
        )
      }
    </Loaded>
  )
}

function TrashRow({ file }: { readonly file: FileItem }) {
  const [asking, setAsking] = useState(false)
  const mayWrite = useMay('member')
  const params = { id: file.id }
  const restore = useChange(() => api.call('POST /api/v1/files/{id}/restore', { params }), ['/api/v1/files'])
  const purge = useChange(() => api.call('DELETE /api/v1/files/{id}', { params, query: { permanent: 'true' } }), ['/api/v1/files'])
  return (
    <Table.Tr>
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
              onClick={() => restore.mutate(undefined, { onSuccess: ({ name }) => tell(`${name} is back`), onError: tellProblem })}
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
