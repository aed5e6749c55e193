import { Alert, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { useCall } from '../../api/use-api.ts'
import { bytesText } from '../../api/words.ts'
import { Loaded } from '../../parts/loaded.tsx'

export function StorageUse() {
  const usage = useCall('GET /api/v1/files/usage', {}, { every: 30_000 })
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        Storage
      </Title>
      <Loaded query={usage}>
        {({ used, quota, trash }) => {
          const part = Math.round((used.bytes / quota.bytes) * 100)
          return (
            <Stack gap="xs">
              <Text>
                {bytesText(used.bytes)} of {bytesText(quota.bytes)} in {used.files} of {quota.files.toLocaleString()} files
              </Text>
              <Progress value={part} aria-label="Storage used" color={part > 80 ? 'red' : 'indigo'} />
              {trash.bytes > 0 && (
                <Text size="sm" c="dimmed">
                  {bytesText(trash.bytes)} of it in the trash
                </Text>
              )}
              {part > 80 && <Alert color="yellow">Little room is left. Empty the trash, or ask the operator for a larger quota.</Alert>}
            </Stack>
          )
        }}
      </Loaded>
    </Paper>
  )
}
