import { Alert, Paper, Stack, Table, Text, Title } from '@mantine/core'
import type { QueueItem } from '../../api/calls.ts'
import { type ServiceName, serviceNames } from '../../api/services.ts'
import { useCall } from '../../api/use-api.ts'
import { durationText } from '../../api/words.ts'
import { AnchorLink } from '../../parts/anchor-link.tsx'
import { Loaded } from '../../parts/loaded.tsx'

/** A job that waits longer than this is worth a look. */
const longWaitSeconds = 300

export function QueueAges() {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        Work that waits
      </Title>
      <Stack gap="xs">
        {serviceNames.map((service) => (
          <ServiceQueues key={service} service={service} />
        ))}
      </Stack>
    </Paper>
  )
}

function ServiceQueues({ service }: { readonly service: ServiceName }) {
  const counts = useCall(`GET /api/v1/${service}/jobs/counts`, {}, { every: 10_000 })
  return (
    <Loaded query={counts}>
      {({ items }) => (
        <Table aria-label={`Queues of ${service}`} verticalSpacing={4}>
          <Table.Tbody>
            {items.map((item) => (
              <QueueRow key={item.queue} service={service} item={item} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Loaded>
  )
}

function QueueRow({ service, item }: { readonly service: ServiceName; readonly item: QueueItem }) {
  const dead = item.jobs['dead'] ?? 0
  const waits = item.oldestWaitingSeconds
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={500}>
        <AnchorLink to="/jobs" search={{ service, queue: item.queue }}>
          {item.queue}
        </AnchorLink>
      </Table.Th>
      <Table.Td>
        {waits === null ? <Text size="sm">nothing waits</Text> : <Text size="sm">oldest waits {durationText(waits)}</Text>}
        {waits !== null && waits > longWaitSeconds && <Alert color="yellow">Start more workers, or look whether one stands still.</Alert>}
        {dead > 0 && (
          <AnchorLink to="/jobs" search={{ service, queue: item.queue, state: 'dead' }} size="sm">
            {dead} failed for good: look and replay
          </AnchorLink>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
