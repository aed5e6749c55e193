import { Alert, Anchor, Button, Table, Text } from '@mantine/core'
import type { ServiceName } from '../../api/services.ts'
import { useCall } from '../../api/use-api.ts'
import { durationText } from '../../api/words.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { spreadText } from './times.ts'

interface QueueTableProps {
  readonly service: ServiceName
  readonly onChoose: (search: { queue: string; state?: string }) => void
}

export function QueueTable({ service, onChoose }: QueueTableProps) {
  const counts = useCall(`GET /api/v1/${service}/jobs/counts`, {}, { every: 5000 })
  return (
    <Loaded query={counts}>
      {({ items }) => (
        <Table.ScrollContainer minWidth={360}>
          <Table aria-label="Queues">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Queue</Table.Th>
                <Table.Th>Oldest waits</Table.Th>
                <Table.Th>Jobs</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {items.map(({ queue, jobs, oldestWaitingSeconds, waited, ran, workers }) => (
                <Table.Tr key={queue}>
                  <Table.Th scope="row" fw={500}>
                    <Anchor component="button" type="button" onClick={() => onChoose({ queue })}>
                      {queue}
                    </Anchor>
                    <Text size="sm" c="dimmed">
                      waits {spreadText(waited)}
                    </Text>
                    <Text size="sm" c="dimmed">
                      runs {spreadText(ran)}
                    </Text>
                    {workers === 0 && <Alert color="red">No worker takes its jobs: start one.</Alert>}
                  </Table.Th>
                  <Table.Td>{oldestWaitingSeconds === null ? 'nothing waits' : durationText(oldestWaitingSeconds)}</Table.Td>
                  <Table.Td>
                    <StateCounts jobs={jobs} onChoose={(state) => onChoose({ queue, state })} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Loaded>
  )
}

interface StateCountsProps {
  readonly jobs: Readonly<Record<string, number>>
  readonly onChoose: (state: string) => void
}

function StateCounts({ jobs, onChoose }: StateCountsProps) {
  const present = Object.entries(jobs).filter(([, count]) => count > 0)
  if (present.length === 0) return <Text size="sm">none</Text>
  return present.map(([state, count]) => (
    <Button
      key={state}
      variant="light"
      size="compact-sm"
      mr={6}
      color={state === 'dead' || state === 'failed' ? 'red' : 'gray'}
      onClick={() => onChoose(state)}
    >
      {count} {state}
    </Button>
  ))
}
