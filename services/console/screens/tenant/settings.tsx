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
import { SettingDialog } from './setting-dialog.tsx'

export function Settings() {
  const settings = useList('GET /api/v1/settings')
  const [adding, setAdding] = useState(false)
  return (
    <Stack>
      <Group>
        <Button onClick={() => setAdding(true)}>Add a setting</Button>
      </Group>
      {adding && <SettingDialog onClose={() => setAdding(false)} />}
      <Loaded query={settings}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="No settings yet">
              Services read settings of the tenant from here. Secrets are encrypted, and never shown again.
            </Empty>
          ) : (
            <Table aria-label="Settings">
              <Table.Tbody>
                {items.map((item) => (
                  <SettingRow key={item.key} item={item} />
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Stack>
  )
}

function SettingRow({ item }: { readonly item: ItemOf<'GET /api/v1/settings'> }) {
  const [editing, setEditing] = useState(false)
  const [asking, setAsking] = useState(false)
  const remove = useChange(
    () => api.call('DELETE /api/v1/settings/{key}', { params: { key: item.key } }),
    ['/api/v1/settings', '/api/v1/audit'],
  )
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {item.key}
        <Text size="sm" c="dimmed">
          {item.type}, changed {momentText(item.updatedAt)}
        </Text>
      </Table.Th>
      <Table.Td>{item.type === 'secret' ? 'kept secret' : JSON.stringify(item.value)}</Table.Td>
      <Table.Td>
        <Group justify="flex-end" gap="xs">
          <Button size="xs" variant="default" onClick={() => setEditing(true)} aria-label={`Change ${item.key}`}>
            Change
          </Button>
          <Button size="xs" variant="light" color="red" aria-label={`Remove ${item.key}`} onClick={() => setAsking(true)}>
            Remove
          </Button>
        </Group>
        <Confirm
          opened={asking}
          title={`Remove ${item.key}?`}
          action="Remove"
          busy={remove.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => remove.mutate(undefined, { onSuccess: () => setAsking(false), onError: tellProblem })}
        >
          Services that read it go on without it. A secret cannot be brought back.
        </Confirm>
        {editing && <SettingDialog setting={item} onClose={() => setEditing(false)} />}
      </Table.Td>
    </Table.Tr>
  )
}
