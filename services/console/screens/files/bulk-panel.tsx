import { Button, CloseButton, Group, List, Paper, Progress, Text } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { wordsOf } from '../../api/words.ts'
import { bulk } from '../../api/work.ts'

/** A change of many things, and what of it has failed. */
export function BulkPanel() {
  const state = useSyncExternalStore(bulk.shown.subscribe, bulk.shown.get)
  if (!state) return null
  const { title, total, done, failures, isRunning, isStopped } = state
  return (
    <Paper withBorder shadow="md" p="sm" component="section" aria-label={title}>
      <Group justify="space-between" wrap="nowrap">
        <Text fw={600} role="status">
          {title}: {isRunning || isStopped ? `${done} of ${total}` : outcome(total, failures.length)}
        </Text>
        {!isRunning && <CloseButton aria-label={`Close: ${title}`} onClick={() => bulk.close()} />}
      </Group>
      {isRunning && <Progress value={(done / total) * 100} aria-label={`Progress: ${title}`} size="sm" my="xs" />}
      {isRunning && !isStopped && (
        <Button size="compact-xs" variant="subtle" onClick={() => bulk.stop()}>
          Stop
        </Button>
      )}
      {failures.length > 0 && (
        <List size="xs" role="alert">
          {failures.map(({ name, error }) => (
            <List.Item key={name}>
              {name}: {wordsOf(error).title}. {wordsOf(error).detail}
            </List.Item>
          ))}
        </List>
      )}
    </Paper>
  )
}

function outcome(total: number, failed: number): string {
  return failed === 0 ? `all ${total} done` : `${failed} of ${total} failed`
}
