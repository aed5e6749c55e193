import { Button, CloseButton, Group, Paper, Progress, Stack, Text } from '@mantine/core'
import { ApiProblem } from '@slipway/client'
import { useSyncExternalStore } from 'react'
import { isRunning, type Upload } from '../../api/uploads.ts'
import { wordsOf } from '../../api/words.ts'
import { uploads } from '../../api/work.ts'

/** All uploads of this visit, whatever screen is open. */
export function UploadPanel() {
  const all = useSyncExternalStore(uploads.shown.subscribe, uploads.shown.get)
  if (all.length === 0) return null
  const running = all.filter(isRunning).length
  return (
    <Paper withBorder shadow="md" p="sm" component="section" aria-label="Uploads">
      <Group justify="space-between" mb="xs">
        <Text fw={600} role="status">
          {running > 0 ? `${running} of ${all.length} uploads to go` : 'All uploads have ended'}
        </Text>
        {running === 0 && <CloseButton aria-label="Close the list of uploads" onClick={() => uploads.clearEnded()} />}
      </Group>
      <Stack gap="sm">
        {all.map((upload) => (
          <UploadLine key={upload.id} upload={upload} />
        ))}
      </Stack>
    </Paper>
  )
}

const words: Readonly<Record<Upload['state'], string>> = {
  waiting: 'waits',
  sending: 'is sent',
  scanning: 'is scanned',
  done: 'clean',
  failed: 'refused',
  cancelled: 'cancelled',
}

function UploadLine({ upload }: { readonly upload: Upload }) {
  const { id, name, size, sent, state, answer, error } = upload
  const part = size === 0 ? 100 : Math.round((sent / size) * 100)
  const word = state === 'done' && answer?.verdict === 'pending' ? 'received, is scanned' : words[state]
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" truncate>
          {name}
        </Text>
        <Text size="sm" c={state === 'failed' ? 'red' : 'dimmed'}>
          {state === 'sending' ? `${part} %` : word}
        </Text>
      </Group>
      {isRunning(upload) && <Progress value={part} animated={state === 'scanning'} aria-label={`Progress of ${name}`} size="sm" />}
      {state === 'failed' && <Reason error={error} />}
      {isRunning(upload) && (
        <Button size="compact-xs" variant="subtle" onClick={() => uploads.cancel(id)} aria-label={`Cancel ${name}`}>
          Cancel
        </Button>
      )}
      {mayRepeat(upload) && (
        <Button size="compact-xs" variant="subtle" onClick={() => uploads.retry(id)}>
          Try again<span className="visually-hidden"> with {name}</span>
        </Button>
      )}
    </div>
  )
}

/** What somebody else has changed meanwhile would be refused again: it has to be looked at first. */
function mayRepeat({ state, error }: Upload): boolean {
  return state === 'cancelled' || (state === 'failed' && !(error instanceof ApiProblem && error.code === 'precondition.failed'))
}

function Reason({ error }: { readonly error: unknown }) {
  const { title, detail, traceId } = wordsOf(error)
  return (
    <Text size="xs" role="alert">
      {title}. {detail} {traceId && `Trace ${traceId}`}
    </Text>
  )
}
