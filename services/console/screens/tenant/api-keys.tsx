import { Button, Group, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { ItemOf } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList } from '../../api/use-api.ts'
import { momentText } from '../../api/words.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tellProblem } from '../../parts/tell.tsx'
import { NewKey } from './new-key.tsx'

export function ApiKeys() {
  const keys = useList('GET /api/v1/api-keys')
  const [making, setMaking] = useState(false)
  return (
    <Stack>
      <Group>
        <Button onClick={() => setMaking(true)}>Make an API key</Button>
      </Group>
      {making && <NewKey onClose={() => setMaking(false)} />}
      <Loaded query={keys}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="No API keys yet">
              A key lets a program act in this tenant, limited to the scopes that you choose. Make the first one above.
            </Empty>
          ) : (
            <Table aria-label="API keys">
              <Table.Tbody>
                {items.map((item) => (
                  <KeyRow key={item.id} item={item} />
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Stack>
  )
}

function KeyRow({ item }: { readonly item: ItemOf<'GET /api/v1/api-keys'> }) {
  const [asking, setAsking] = useState(false)
  const revoke = useChange(
    () => api.call('DELETE /api/v1/api-keys/{id}', { params: { id: item.id } }),
    ['/api/v1/api-keys', '/api/v1/audit'],
  )
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {item.name}
        <Text size="sm" c="dimmed">
          {item.scopes.join(', ')}
        </Text>
        <Text size="sm" c="dimmed">
          made {momentText(item.createdAt)}, {item.lastUsedAt ? `last used ${momentText(item.lastUsedAt)}` : 'never used'}
          {item.expiresAt && `, ends ${momentText(item.expiresAt)}`}
        </Text>
      </Table.Th>
      <Table.Td ta="right">
        <Button size="xs" variant="light" color="red" onClick={() => setAsking(true)} aria-label={`Revoke ${item.name}`}>
          Revoke
        </Button>
        <Confirm
          opened={asking}
          title={`Revoke ${item.name}?`}
          action="Revoke"
          busy={revoke.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => revoke.mutate(undefined, { onSuccess: () => setAsking(false), onError: tellProblem })}
        >
          Programs that use it are refused within five seconds. It cannot be brought back.
        </Confirm>
      </Table.Td>
    </Table.Tr>
  )
}
