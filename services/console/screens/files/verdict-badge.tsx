import { Badge, Tooltip } from '@mantine/core'
import type { FileItem } from '../../api/calls.ts'
import { databaseText } from '../../api/words.ts'

const colours: Readonly<Record<string, string>> = { clean: 'green', pending: 'yellow', infected: 'red', unscannable: 'red', error: 'red' }

type Judged = Pick<FileItem, 'verdict' | 'progress'> & { readonly scan: Omit<NonNullable<FileItem['scan']>, 'at'> | null }

/** The verdict; by hover and focus, who gave it with which signatures. */
export function VerdictBadge({ verdict, scan, progress }: Judged) {
  const about = scan
    ? `${scan.engine}, database ${databaseText(scan.database)}, ${scan.milliseconds} ms`
    : progress?.phase === 'scanning'
      ? 'Is being scanned'
      : 'Waits for the scanner'
  return (
    <Tooltip label={about} events={{ hover: true, focus: true, touch: true }} withinPortal={false}>
      <Badge color={colours[verdict] ?? 'gray'} variant="light" tt="none" tabIndex={0} aria-label={`${verdict}: ${about}`} role="note">
        {verdict}
      </Badge>
    </Tooltip>
  )
}
