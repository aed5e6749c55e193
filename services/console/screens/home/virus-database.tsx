import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ServiceStatus } from '../../api/calls.ts'
import { useCall } from '../../api/use-api.ts'
import { momentText } from '../../api/words.ts'
import { FindingBadge } from '../../parts/finding-badge.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { statusEvery } from './service-states.tsx'
import { scannerFinding } from './words.ts'

/** What uploads are scanned with: verdicts are worth as much as the age of the signatures. */
export function VirusDatabase() {
  const state = useCall('GET /api/v1/files/status', {}, { every: statusEvery })
  return (
    <Paper withBorder p="md" component="section" aria-label="Virus database">
      <Title order={2} size="h4" mb="sm">
        Virus database
      </Title>
      <Loaded query={state}>{({ scanner }) => (scanner ? <Found scanner={scanner} /> : <Text>Nothing is scanned here.</Text>)}</Loaded>
    </Paper>
  )
}

function Found({ scanner }: { readonly scanner: NonNullable<ServiceStatus['scanner']> }) {
  const { state, text, advice } = scannerFinding(scanner)
  const { engine, builtAt } = scanner
  return (
    <Stack gap="xs">
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Text>{text}</Text>
        <FindingBadge state={state} />
      </Group>
      {advice && <Text size="sm">{advice}</Text>}
      {engine && (
        <Text size="sm" c="dimmed">
          {engine}
          {builtAt && `, signatures made ${momentText(builtAt)}`}
        </Text>
      )}
    </Stack>
  )
}
