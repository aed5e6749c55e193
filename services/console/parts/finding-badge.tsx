import { Badge } from '@mantine/core'

const colours = { ok: 'green', degraded: 'yellow', unavailable: 'red' } as const
const words = { ok: 'well', degraded: 'works with a restriction', unavailable: 'does not work' } as const

interface FindingBadgeProps {
  readonly state: keyof typeof words
  readonly size?: 'sm' | 'md'
}

export function FindingBadge({ state, size = 'md' }: FindingBadgeProps) {
  return (
    <Badge color={colours[state]} size={size} variant="light" tt="none" miw="max-content">
      {words[state]}
    </Badge>
  )
}
