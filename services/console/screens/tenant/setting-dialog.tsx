import { Button, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Calls, ItemOf } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange } from '../../api/use-api.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

type Body = Calls['PUT /api/v1/settings/{key}']['body']

interface SettingDialogProps {
  /** The one to change; a new one without it. */
  readonly setting?: ItemOf<'GET /api/v1/settings'>
  readonly onClose: () => void
}

const types = ['string', 'number', 'boolean', 'json', 'secret'] as const

export function SettingDialog({ setting, onClose }: SettingDialogProps) {
  const [key, setKey] = useState(setting?.key ?? '')
  const [type, setType] = useState<string>(setting?.type ?? 'string')
  const [value, setValue] = useState(initialValue(setting))
  const save = useChange(
    async () => api.call('PUT /api/v1/settings/{key}', { params: { key }, body: bodyOf(type, value) }),
    ['/api/v1/settings', '/api/v1/audit'],
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate(undefined, { onSuccess: onClose })
  }
  return (
    <Modal
      opened
      onClose={onClose}
      title={setting ? `Change ${setting.key}` : 'Add a setting'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={submit}>
        <Stack>
          {!setting && (
            <TextInput
              label="Key"
              description="Such as mail.signature"
              required
              data-autofocus
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
            />
          )}
          <Select
            label="Type"
            data={types}
            allowDeselect={false}
            comboboxProps={{ withinPortal: false }}
            value={type}
            onChange={(next) => setType(next ?? 'string')}
          />
          <Textarea label="Value" required autosize minRows={2} value={value} onChange={(event) => setValue(event.currentTarget.value)} />
          {save.error && <ProblemAlert error={save.error} />}
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Stack>
      </form>
    </Modal>
  )
}

function initialValue(setting: SettingDialogProps['setting']): string {
  if (!setting || setting.type === 'secret') return ''
  return typeof setting.value === 'string' ? setting.value : JSON.stringify(setting.value)
}

/** @throws SyntaxError for JSON that is none; the rest is for the API to judge */
function bodyOf(type: string, value: string): Body {
  if (type === 'number') return { type, value: Number(value) }
  if (type === 'boolean') return { type, value: value.trim() === 'true' }
  if (type === 'json') return { type, value: JSON.parse(value) }
  return type === 'secret' ? { type, value } : { type: 'string', value }
}
