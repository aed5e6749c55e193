import { Alert, Button, Code, List, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { wordsOf } from '../api/words.ts'

interface ProblemAlertProps {
  readonly error: unknown
  readonly onRetry?: () => void
}

/** A problem of RFC 9457 in words, with the trace id for whoever runs the platform. */
export function ProblemAlert({ error, onRetry }: ProblemAlertProps) {
  const { title, detail, traceId, fields } = wordsOf(error)
  return (
    <Alert color="red" role="alert" title={title} icon={<IconAlertTriangle aria-hidden />}>
      {detail && <Text size="sm">{detail}</Text>}
      {fields.length > 0 && (
        <List size="sm">
          {fields.map(({ field, detail }) => (
            <List.Item key={`${field} ${detail}`}>
              {field}: {detail}
            </List.Item>
          ))}
        </List>
      )}
      {traceId && (
        <Text size="xs" mt="xs">
          Trace <Code>{traceId}</Code>
        </Text>
      )}
      {onRetry && (
        <Button size="xs" variant="default" mt="sm" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  )
}
