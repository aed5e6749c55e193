import { Button, Code, Group, Loader, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { FileItem } from '../../api/calls.ts'
import { fetchBytes } from '../../api/runtime.ts'
import { bytesText } from '../../api/words.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { tellProblem } from '../../parts/tell.tsx'
import { useObjectUrl } from '../../parts/use-bytes-url.ts'
import { download } from './download.ts'
import classes from './preview.module.css'
import { type PreviewKind, previewKind } from './preview-kind.ts'
import { VerdictBadge } from './verdict-badge.tsx'

interface PreviewProps {
  readonly file: FileItem | null
  readonly onClose: () => void
}

export function Preview({ file, onClose }: PreviewProps) {
  return (
    <Modal opened={file !== null} onClose={onClose} title={file?.name} size="xl" closeButtonProps={{ 'aria-label': 'Close' }}>
      {file && (
        <Stack>
          <Content file={file} />
          <Group justify="space-between">
            <Group gap="xs">
              <VerdictBadge {...file} />
              <Text size="sm" c="dimmed">
                {bytesText(file.size)}, {file.contentType}
              </Text>
            </Group>
            <Button variant="default" onClick={() => void download(file).catch(tellProblem)}>
              Download
            </Button>
          </Group>
          <Text size="xs" c="dimmed">
            SHA-256 <Code>{file.sha256}</Code>
          </Text>
        </Stack>
      )}
    </Modal>
  )
}

function Content({ file }: { readonly file: FileItem }) {
  const kind = previewKind(file)
  const bytes = useQuery({
    queryKey: ['content', file.id, file.sha256],
    queryFn: ({ signal }) => fetchBytes(`/api/v1/files/${file.id}/content?disposition=inline`, signal),
    enabled: kind !== 'none' && kind !== 'large',
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (kind === 'none') return <Text>Files of this kind cannot be shown here. Download it to look at it.</Text>
  if (kind === 'large') return <Text>This file is too large to be shown here. Download it to look at it.</Text>
  if (bytes.error) return <ProblemAlert error={bytes.error} onRetry={() => void bytes.refetch()} />
  return bytes.data ? <Shown kind={kind} blob={bytes.data} name={file.name} /> : <Loader aria-label="Loading" />
}

interface ShownProps {
  readonly kind: PreviewKind
  readonly blob: Blob
  readonly name: string
}

function Shown({ kind, blob, name }: ShownProps) {
  const url = useObjectUrl(blob)
  if (kind === 'text') return <TextContent blob={blob} />
  if (url === null) return null
  if (kind === 'image') return <img src={url} alt={name} className={classes.media} />
  if (kind === 'audio') return <audio src={url} controls aria-label={name} />
  // oxlint-disable-next-line jsx-a11y/media-has-caption -- captions of people's own videos are not known
  if (kind === 'video') return <video src={url} controls className={classes.media} aria-label={name} />
  return <iframe src={url} title={name} className={classes.document} />
}

function TextContent({ blob }: { readonly blob: Blob }) {
  const text = useQuery({ queryKey: ['text', blob.size, blob], queryFn: () => blob.text(), gcTime: 0 })
  return (
    <Code block className={classes.text} tabIndex={0}>
      {text.data ?? ''}
    </Code>
  )
}
