import { Alert, Button, Checkbox, Code, CopyButton, Group, Modal, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { api } from '../../api/runtime.ts'
import { useChange } from '../../api/use-api.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

/** Scopes that the API knows; it refuses what the person may not give away. */
const scopes = [
  'files:read',
  'files:write',
  'files:admin',
  'menu:read',
  'menu:write',
  'jobs:read',
  'jobs:write',
  'tenant:read',
  'tenant:write',
  'keys:read',
  'keys:write',
  'audit:read',
]

export function NewKey({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<string[]>(['files:read'])
  const create = useChange(
    () => api.call('POST /api/v1/api-keys', { body: { name, scopes: chosen } }),
    ['/api/v1/api-keys', '/api/v1/audit'],
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate(undefined)
  }
  return (
    <Modal opened onClose={onClose} title="Make an API key" closeButtonProps={{ 'aria-label': 'Close' }} closeOnClickOutside={false}>
      {create.data ? (
        <MadeKey secret={create.data.key} onClose={onClose} />
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label="Name"
              description="What it is for"
              required
              maxLength={100}
              data-autofocus
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Checkbox.Group label="It may" value={chosen} onChange={setChosen}>
              <Stack gap={6} mt="xs">
                {scopes.map((scope) => (
                  <Checkbox key={scope} value={scope} label={scope} />
                ))}
              </Stack>
            </Checkbox.Group>
            {create.error && <ProblemAlert error={create.error} />}
            <Button type="submit" loading={create.isPending} disabled={chosen.length === 0}>
              Make it
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  )
}

function MadeKey({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }) {
  return (
    <Stack>
      <Alert color="yellow" title="Copy it now">
        The key is shown this once. Slipway keeps only a hash of it.
      </Alert>
      <Code block>{secret}</Code>
      <Group justify="flex-end">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>I have it</Button>
      </Group>
    </Stack>
  )
}
