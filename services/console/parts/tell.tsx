import { Code, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { wordsOf } from '../api/words.ts'

/** A failure of something that a person did, told where they are. */
export function tellProblem(error: unknown): void {
  const { title, detail, traceId } = wordsOf(error)
  notifications.show({
    color: 'red',
    title,
    autoClose: 10_000,
    message: (
      <>
        <Text size="sm">{detail}</Text>
        {traceId && <Code>trace {traceId}</Code>}
      </>
    ),
  })
}

export function tell(message: string): void {
  notifications.show({ color: 'green', message, autoClose: 4000 })
}
