import { Button, Code, Group, Paper, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { ItemOf } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList } from '../../api/use-api.ts'
import { bytesText, momentText } from '../../api/words.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tellProblem } from '../../parts/tell.tsx'
import { VerdictBadge } from './verdict-badge.tsx'

/** What was refused, for admins. Nobody can read or release it; the record says who sent it from where. */
export function Quarantine() {
  const refused = useList('GET /api/v1/quarantine', {}, { every: 30_000 })
  return (
    <Loaded query={refused}>
      {(items) =>
        items.length === 0 ? (
          <Empty title="Nothing was refused">
            Uploads with malware, and those that cannot be scanned, are listed here with their sender.
          </Empty>
        ) : (
          <Stack>
            {items.map((item) => (
              <Refused key={item.id} item={item} />
            ))}
          </Stack>
        )
      }
    </Loaded>
  )
}

function Refused({ item }: { readonly item: ItemOf<'GET /api/v1/quarantine'> }) {
  const [asking, setAsking] = useState(false)
  const purge = useChange(() => api.call('DELETE /api/v1/quarantine/{id}', { params: { id: item.id } }), ['/api/v1/quarantine'])
  return (
    <Paper withBorder p="md" component="article" aria-label={item.name}>
      <Group justify="space-between" align="flex-start">
        <Stack gap={4}>
          <Group gap="xs">
            <Text fw={600}>{item.name}</Text>
            <VerdictBadge verdict={item.verdict} scan={item.scan} />
          </Group>
          <Text size="sm">{item.signature ?? item.reason ?? item.raw}</Text>
          <Text size="sm" c="dimmed">
            {bytesText(item.size)}, {item.contentType}, {momentText(item.createdAt)}, by {item.uploadedBy}
            {item.uploadedFrom.ip && ` from ${item.uploadedFrom.ip}`}
          </Text>
          <Text size="xs" c="dimmed">
            SHA-256 <Code>{item.sha256}</Code>
          </Text>
        </Stack>
        <Button size="xs" variant="light" color="red" onClick={() => setAsking(true)} aria-label={`Purge ${item.name}`}>
          Purge
        </Button>
      </Group>
      <Confirm
        opened={asking}
        title={`Purge ${item.name}?`}
        action="Purge"
        busy={purge.isPending}
        onClose={() => setAsking(false)}
        onConfirm={() => purge.mutate(undefined, { onSuccess: () => setAsking(false), onError: tellProblem })}
      >
        The bytes and their record are deleted. They are no evidence any more.
      </Confirm>
    </Paper>
  )
}
