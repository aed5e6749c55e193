import { Alert, Paper, Stack, Table, Text, Title } from '@mantine/core'
import type { QueueItem } from '../../api/calls.ts'
import { type ServiceName, serviceNames } from '../../api/services.ts'
import { useCall } from '../../api/use-api.ts'
import { AnchorLink } from '../../parts/anchor-link.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { queueFinding } from './words.ts'

export const countsEvery = 10_000

export function QueueAges() {
  return (
    <Paper withBorder p="md" component="section" aria-label="Work that waits">
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
  const counts = useCall(`GET /api/v1/${service}/jobs/counts`, {}, { every: countsEvery })
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
  const { state, text, advice } = queueFinding(item)
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={500}>
        <AnchorLink to="/jobs" search={{ service, queue: item.queue }}>
          {item.queue}
        </AnchorLink>
      </Table.Th>
      <Table.Td>
        <Text size="sm">{text}</Text>
        {advice && <Alert color={state === 'unavailable' ? 'red' : 'yellow'}>{advice}</Alert>}
        {dead > 0 && (
          <AnchorLink to="/jobs" search={{ service, queue: item.queue, state: 'dead' }} size="sm">
            {dead} failed for good: look and replay
          </AnchorLink>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
