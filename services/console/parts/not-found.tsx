import { Anchor } from '@mantine/core'
import { Empty } from './empty.tsx'

export function NotFound() {
  return (
    <Empty title="There is no such page" action={<Anchor href="/">To the start</Anchor>}>
      The address may be mistyped, or what it led to is gone.
    </Empty>
  )
}
