import { Badge, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { AnswerOf } from '../../api/calls.ts'
import { type ServiceName, serviceNames, serviceTitles } from '../../api/services.ts'
import { useCall } from '../../api/use-api.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Tiles } from '../../parts/tiles.tsx'

const colours = { ok: 'green', degraded: 'yellow', unavailable: 'red' } as const
const words = { ok: 'well', degraded: 'works with a restriction', unavailable: 'does not work' } as const

/** What to do about a check that is not well. Its own detail says what is wrong. */
const advice: Readonly<Record<string, string>> = {
  database: 'Look whether Postgres runs and takes connections.',
  redis: 'Look whether Redis runs; jobs wait until it is back.',
  storage: 'Look whether the object store runs; uploads are refused until it is back.',
  scanner: 'Look whether clamd runs; uploads are refused until it is back.',
  signatures: 'Let freshclam reach its mirror: until then only test signatures are found.',
}

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
  const state = useCall(`GET /api/v1/${service}/status`, {}, { every: 15_000 })
  return (
    <Paper withBorder p="md">
      <Loaded query={state}>
        {({ status, checks }) => (
          <Stack gap="xs">
            <Group justify="space-between">
              <Title order={3} size="h5">
                {serviceTitles[service]}
              </Title>
              <Badge color={colours[status]} variant="light" tt="none">
                {words[status]}
              </Badge>
            </Group>
            {Object.entries(checks).map(([name, check]) => (
              <CheckLine key={name} name={name} check={check} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Paper>
  )
}

interface CheckLineProps {
  readonly name: string
  readonly check: AnswerOf<'GET /api/v1/files/status'>['checks'][string]
}

function CheckLine({ name, check }: CheckLineProps) {
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm">{name}</Text>
        <Badge size="sm" color={colours[check.status]} variant="light" tt="none">
          {words[check.status]}
        </Badge>
      </Group>
      {check.detail && (
        <Text size="sm" c="dimmed">
          {check.detail}
        </Text>
      )}
      {check.status !== 'ok' && advice[name] && <Text size="sm">{advice[name]}</Text>}
    </div>
  )
}
