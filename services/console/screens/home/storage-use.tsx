import { Alert, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { useCall } from '../../api/use-api.ts'
import { bytesText } from '../../api/words.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { isNearlyFull, partUsed } from './words.ts'

export function StorageUse() {
  const usage = useCall('GET /api/v1/files/usage', {}, { every: 30_000 })
  return (
    <Paper withBorder p="md" component="section" aria-label="Storage">
      <Title order={2} size="h4" mb="sm">
        Storage
      </Title>
      <Loaded query={usage}>
        {({ used, quota, trash }) => {
          const part = partUsed(used, quota)
          return (
            <Stack gap="xs">
              <Text>
                {bytesText(used.bytes)} of {bytesText(quota.bytes)} in {used.files.toLocaleString()} of {quota.files.toLocaleString()} files
              </Text>
              <Progress value={part * 100} aria-label="Storage used" color={isNearlyFull(part) ? 'red' : 'indigo'} />
              {trash.bytes > 0 && (
                <Text size="sm" c="dimmed">
                  {bytesText(trash.bytes)} of it in the trash
                </Text>
              )}
              {isNearlyFull(part) && (
                <Alert color="yellow">Little room is left. Empty the trash, or ask the operator for a larger quota.</Alert>
              )}
            </Stack>
          )
        }}
      </Loaded>
    </Paper>
  )
}
