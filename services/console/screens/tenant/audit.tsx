import { Code, Group, SegmentedControl, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { ItemOf } from '../../api/calls.ts'
import { useCall } from '../../api/use-api.ts'
import { momentText } from '../../api/words.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'

const trails = { tenant: 'GET /api/v1/audit', files: 'GET /api/v1/files/audit', menu: 'GET /api/v1/menu/audit' } as const
type Trail = keyof typeof trails

/** The newest hundred; older ones are for the API, which pages and filters. */
export function Audit() {
  const [trail, setTrail] = useState<Trail>('tenant')
  const entries = useCall(trails[trail], { query: { limit: 100 } })
  return (
    <Stack>
      <Group>
        <SegmentedControl
          aria-label="Trail"
          value={trail}
          onChange={setTrail}
          data={[
            { value: 'tenant', label: 'People, keys, settings' },
            { value: 'files', label: 'Files' },
            { value: 'menu', label: 'Menu' },
          ]}
        />
      </Group>
      <Loaded query={entries}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing has happened yet">Every change is written down here with who made it, and from where.</Empty>
          ) : (
            <Table aria-label="Audit trail" verticalSpacing="xs">
              <Table.Tbody>
                {items.map((entry) => (
                  <Entry key={entry.id} entry={entry} />
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Stack>
  )
}

function Entry({ entry }: { readonly entry: ItemOf<'GET /api/v1/audit'> }) {
  const { action, actor, subject, at, from, before, after } = entry
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {action}
        <Text size="sm" c="dimmed">
          {momentText(at)} by {actor.name ?? `${actor.kind} ${actor.id}`}
          {from.ip && ` from ${from.ip}`}
        </Text>
        {from.traceId && (
          <Text size="xs" c="dimmed">
            trace {from.traceId}
          </Text>
        )}
      </Table.Th>
      <Table.Td>
        <Text size="sm">
          {subject.type} {subject.id}
        </Text>
        {(before ?? after) !== undefined && (before ?? after) !== null && <Code block>{changeText(before, after)}</Code>}
      </Table.Td>
    </Table.Tr>
  )
}

function changeText(before: unknown, after: unknown): string {
  return [
    before === null || before === undefined ? [] : `- ${JSON.stringify(before)}`,
    after === null || after === undefined ? [] : `+ ${JSON.stringify(after)}`,
  ]
    .flat()
    .join('\n')
}
