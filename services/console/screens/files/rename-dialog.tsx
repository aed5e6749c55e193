import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface RenameDialogProps {
  readonly name: string
  readonly title?: string
  readonly onRename: (name: string) => Promise<unknown>
  readonly onClose: () => void
}

export function RenameDialog({ name: before, title = `Rename ${before}`, onRename, onClose }: RenameDialogProps) {
  const [name, setName] = useState(before)
  const rename = useMutation({ mutationFn: () => onRename(name) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    rename.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput label="Name" required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          {rename.error && <ProblemAlert error={rename.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={rename.isPending} disabled={name === before}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
