import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ServiceStatus } from '../../api/calls.ts'
import { type ServiceName, serviceNames, serviceTitles } from '../../api/services.ts'
import { useCall } from '../../api/use-api.ts'
import { FindingBadge } from '../../parts/finding-badge.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Tiles } from '../../parts/tiles.tsx'
import { countsEvery } from './queue-ages.tsx'
import { checkAdvice, type Finding, workersFinding } from './words.ts'

export const statusEvery = 15_000

/** Each service has an API and workers: the API tells of itself, the workers are seen by their queues. */
export function ServiceStates() {
  return (
    <section aria-label="Health">
      <Title order={2} size="h4" mb="sm">
        Health
      </Title>
      <Tiles>
        {serviceNames.map((service) => (
          <ServiceState key={service} service={service} />
        ))}
      </Tiles>
    </section>
  )
}

function ServiceState({ service }: { readonly service: ServiceName }) {
  const state = useCall(`GET /api/v1/${service}/status`, {}, { every: statusEvery })
  const counts = useCall(`GET /api/v1/${service}/jobs/counts`, {}, { every: countsEvery })
  const workers = workersFinding(counts.data?.items ?? [])
  return (
    <Paper withBorder p="md" component="article" aria-label={serviceTitles[service]}>
      <Loaded query={state}>
        {({ status, checks }) => (
          <Stack gap="xs">
            <Group justify="space-between">
              <Title order={3} size="h5">
                {serviceTitles[service]}
              </Title>
              <FindingBadge state={status} />
            </Group>
            {workers && <Line {...workers} />}
            {Object.entries(checks).map(([name, check]) => (
              <Line key={name} {...findingOf(name, check)} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Paper>
  )
}

interface Check extends Finding {
  readonly detail?: string | undefined
}

function findingOf(name: string, { status, detail }: ServiceStatus['checks'][string]): Check {
  const advice = status === 'ok' ? undefined : checkAdvice(name)
  return { state: status, text: name, detail, ...(advice === undefined ? {} : { advice }) }
}

function Line({ state, text, advice, detail }: Check) {
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm">{text}</Text>
        <FindingBadge state={state} size="sm" />
      </Group>
      {detail && (
        <Text size="sm" c="dimmed">
          {detail}
        </Text>
      )}
      {advice && <Text size="sm">{advice}</Text>}
    </div>
  )
}
