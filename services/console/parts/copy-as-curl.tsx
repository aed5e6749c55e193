import { Button, CopyButton } from '@mantine/core'
import { IconCheck, IconTerminal2 } from '@tabler/icons-react'
import type { CallInput, CallKey } from '../api/calls.ts'
import { curlOf } from '../api/curl.ts'

interface CopyAsCurlProps<Key extends CallKey> {
  readonly call: Key
  readonly input?: CallInput<Key>
}

/** The request behind what is seen, for a terminal. */
export function CopyAsCurl<Key extends CallKey>({ call, input }: CopyAsCurlProps<Key>) {
  return (
    <CopyButton value={curlOf(location.origin, call, input)}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          size="xs"
          onClick={copy}
          leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconTerminal2 size={16} aria-hidden />}
        >
          {copied ? 'Copied' : 'Copy as curl'}
        </Button>
      )}
    </CopyButton>
  )
}
